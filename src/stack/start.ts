import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { type Log, step } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { refusedPolicy } from '../egress/proxy-log.ts'
import type { DockerClient } from '../engine/client-find.ts'
import { compose } from '../engine/compose.ts'
import type { Engine } from '../engine/engine.ts'
import { replaceFile } from '../files/replace-file.ts'
import { renderHostFileChanges } from '../workspace/host-files/changes.ts'
import { whyBusy } from './activity.ts'
import { changedHostFiles, noteHostFiles } from './host-files.ts'
import { inspectStack, isUp, type StackState } from './inspect.ts'
import { clearPlaceholders, raiseOverlays } from './protection.ts'
import { ailing, recovery } from './recovery.ts'
import { type AgentService, isAgent, serviceOfEgress } from './services.ts'
import { composeProject, type Stack, servicesFor, stackVariables } from './stack.ts'
import { buildStackFile } from './stack-file.ts'
import { createVolumes } from './volumes.ts'

const up = ['up', '--detach', '--wait', '--wait-timeout', '120', '--pull', 'never', '--no-build']

export type StartContext = {
  engine: Engine
  docker: DockerClient
  log: Log
  signal?: AbortSignal
}

/**
 * `started`: the stack was brought up now. `running`: it already ran as requested. `outdated`: it runs
 * with other settings or images, and was not restarted because it is in use.
 */
export type StartOutcome = 'started' | 'running' | 'outdated'

/**
 * Brings the stack up with `agents`, or finds it up. `found` is its state as `inspectStack` returned it,
 * under the lock that the caller holds: the engine is asked once.
 */
export async function startStack(
  context: StartContext,
  stack: Stack,
  found: StackState | null,
  agents: readonly AgentService[],
): Promise<{ outcome: StartOutcome; state: StackState }> {
  const { engine, docker, log, signal } = context
  const wanted = await stackFingerprint(stack)
  const project = composeProject(stack)
  const needed = servicesFor(stack, agents)
  const before = await onceRecovered(context, found, wanted)
  if (before?.fingerprint === wanted && isUp(before, needed)) {
    return { outcome: 'running', state: before }
  }
  const anew = before?.fingerprint !== wanted
  let overlays = stack.overlays
  if (anew) {
    if (before) {
      const busy = await whyBusy(engine, before)
      if (busy !== null) {
        log({ kind: 'info', text: `${busy}, so the stack keeps its present settings` })
        return { outcome: 'outdated', state: before }
      }
      // A network or volume cannot be changed in place; the volumes stay.
      await writeStackFile(stack, wanted)
      await step(log, 'stopping the stack with the old settings', () =>
        compose(docker, project, ['down', '--remove-orphans', '--timeout', '5'], { signal }),
      )
      // Report these changes first: noteHostFiles replaces the baseline they are compared with.
      for (const text of renderHostFileChanges(await changedHostFiles(stack.state))) {
        log({ kind: 'warn', text })
      }
    }
    // Plan again: until now an agent could run in the folder.
    overlays = await raiseOverlays(stack.workspace, stack.settings, stack.state)
  }
  const ready = { ...stack, overlays }
  await writeStackFile(ready, await stackFingerprint(ready))
  const present = anew ? [] : (before?.services.map(({ name }) => name) ?? [])
  const wantedServices = [...new Set([...needed, ...present])]
  const cutOff = anew ? [] : (before?.services.filter(({ connected }) => !connected) ?? [])
  await step(log, `starting proxy, gateway and ${agents.join(' and ')}`, async () => {
    try {
      // Compose considers a container that lost a network up to date.
      if (cutOff.length > 0) {
        const names = cutOff.map(({ name }) => name)
        await compose(docker, project, ['rm', '--stop', '--force', ...names], { signal })
      }
      await createVolumes(context, stack, wantedServices)
      await Promise.all([
        compose(docker, composeProject(stack, wantedServices), [...up, ...wantedServices], {
          timeout: 180_000,
          signal,
        }),
        // In parallel, because it takes as long in a large folder. No session opens before both are done.
        // A repaired stack keeps its recorded baseline.
        ...(anew ? [noteHostFiles(stack.workspace, stack.state, log)] : []),
      ])
    } catch (error) {
      const explained = await explain(engine, project.name, error)
      await clearAfterFailure(context, stack)
      throw explained
    }
  })
  await refuseHostAddress(context, stack)
  const state = await inspectStack(engine, project.name)
  if (!state) {
    throw new UserError(`the stack ${project.name} disappeared while it was starting`, {
      hint: `another program removed its containers: run ${command('start')} again`,
    })
  }
  return { outcome: 'started', state }
}

/** Waits for unhealthy services of a stack that stays as it is: Compose would give up on them at once. */
async function onceRecovered(
  { engine, log, signal }: StartContext,
  found: StackState | null,
  wanted: string,
): Promise<StackState | null> {
  const sick = found?.fingerprint === wanted ? ailing(found) : []
  if (!found || sick.length === 0) return found
  const waiting = `waiting for ${sick.join(' and ')} to be healthy again`
  return step(log, waiting, () => recovery(() => inspectStack(engine, found.stack), { signal }))
}

async function writeStackFile(stack: Stack, fingerprint: string) {
  const { stringify } = await import('yaml')
  await replaceFile(stack.state.override, stringify(buildStackFile(stack, fingerprint)))
}

/** Hashes everything the containers are made from, except the credential: the gateway rereads it. */
async function stackFingerprint(stack: Stack) {
  const hash = createHash('sha256')
  hash.update(await readFile(join(stack.root, 'compose.yaml')))
  hash.update(JSON.stringify(buildStackFile(stack, '')))
  hash.update(JSON.stringify(stackVariables(stack)))
  return hash.digest('hex').slice(0, 16)
}

/**
 * Keeps placeholders while a container mounts them: without them it is unprotected. Removes networks
 * without a container, because an engine has only few networks.
 */
async function clearAfterFailure({ engine, docker }: StartContext, stack: Stack) {
  const { identity, state } = stack
  const left = await inspectStack(engine, identity.name).catch(() => null)
  if (!left)
    await compose(docker, composeProject(stack), ['down', '--timeout', '5']).catch(() => {})
  if (!left?.services.some(({ name }) => isAgent(name)))
    await clearPlaceholders(state).catch(() => {})
}

/** Adds the last log lines of a service that did not become healthy: they say more than compose's error. */
async function explain(engine: Engine, name: string, error: unknown) {
  if (!(error instanceof UserError)) return error
  const state = await inspectStack(engine, name).catch(() => null)
  const sick = state?.services.find(
    service => service.state !== 'running' || service.health === 'unhealthy',
  )
  if (!sick) return error
  const lines = await engine.logLines(sick.container, 20).catch(() => [])
  const last = lines.findLast(line => line.trim() !== '')
  if (!last) return error
  const refused = sick.name === serviceOfEgress ? refusedPolicy(lines) : null
  if (refused !== null) {
    return new UserError(`the proxy refuses its policy: ${terminalLine(refused)}`, {
      hint: 'mend proxy/squid.conf: git diff proxy/squid.conf shows what was edited',
      cause: error,
    })
  }
  return new UserError(`${sick.name} did not start: ${terminalLine(last)}`, {
    hint: `run ${command(`logs ${sick.name}`)} to see the rest`,
    cause: error,
  })
}

/**
 * The bridge of an internal network must carry no address of the host: through it the agent would
 * reach every service that listens on 0.0.0.0 (threat N1). Checked on the host itself, because an
 * engine that ignores the option reports no error.
 */
async function refuseHostAddress({ engine, docker }: StartContext, stack: Stack) {
  const networks = await engine.networks([`com.docker.compose.project=${stack.identity.name}`])
  const interfaces = networkInterfaces()
  for (const network of networks.filter(({ Name }) => Name.endsWith('-internal'))) {
    // A link-local IPv6 address is on every interface; IPv6 is off inside the containers.
    const address = interfaces[`br-${network.Id.slice(0, 12)}`]?.find(
      ({ address }) => !address.startsWith('fe80:'),
    )?.address
    if (!address) continue
    await compose(docker, composeProject(stack), ['down', '--timeout', '5'])
    await clearPlaceholders(stack.state)
    throw new UserError(`the engine gave the host the address ${address} on ${network.Name}`, {
      hint: 'the agent could reach services of this host there: update the engine (doctor says more)',
    })
  }
}
