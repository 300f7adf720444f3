import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, step } from '../base/log.ts'
import { compose } from '../engine/compose.ts'
import { renderComposeFile } from '../engine/compose-file.ts'
import { replaceFile } from '../files/replace-file.ts'
import { renderHostFileChanges } from '../workspace/host-files/changes.ts'
import type { RepositoryPlan } from '../workspace/repository/plan.ts'
import { whyBusy } from './activity.ts'
import { changedHostFiles } from './host-files.ts'
import { closeHostSide } from './host-side.ts'
import { isUp, type StackState } from './inspect.ts'
import { refuseReplacedPaths } from './mounted-repository.ts'
import { clearPlaceholders, prepareOverlays } from './protection.ts'
import { prepareRepository } from './repository.ts'
import { type AgentService, isAgent } from './services.ts'
import { addedServices, composeProject, type Stack, servicesFor, stackVariables } from './stack.ts'
import { buildStackFile } from './stack-file.ts'
import type { StartContext } from './start-context.ts'
import { startServices, waitForRecovery } from './start-services.ts'

const down = ['down', '--remove-orphans', '--timeout', '5']

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
  const fingerprint = await stackFingerprint(stack)
  const project = composeProject(stack)
  const needed = servicesFor(stack, agents)
  const before = await waitForRecovery(context, found, fingerprint)
  if (before?.fingerprint === fingerprint && isUp(before, needed)) {
    await closeHostSide(context, stack, { running: true })
    return { outcome: 'running', state: before }
  }
  const fresh = before?.fingerprint !== fingerprint
  let { overlays, repository = null } = stack
  if (fresh) {
    if (before) {
      const busy = await whyBusy(engine, before)
      if (busy !== null) {
        await closeHostSide(context, stack, { running: true })
        log({ kind: 'info', text: `${busy}, so the stack keeps its current settings` })
        return { outcome: 'outdated', state: before }
      }
      // A network or volume cannot be changed in place; the volumes stay.
      await writeStackFile(stack, fingerprint)
      await step(log, 'stopping the stack with the old settings', () =>
        compose(docker, project, down, { signal }),
      )
      // Report these changes first: noteHostFiles replaces the baseline they are compared with.
      for (const text of renderHostFileChanges(await changedHostFiles(stack.state))) {
        log({ kind: 'warn', text })
      }
    }
    // Plan again: until now an agent could run in the folder.
    overlays = await prepareOverlays(stack.workspace, stack.settings, stack.state, log)
    repository = await repositoryOrUndo(stack, log)
  }
  const ready = { ...stack, overlays, repository }
  try {
    await writeStackFile(ready, await stackFingerprint(ready))
  } catch (error) {
    if (fresh) await clearPlaceholders(stack.state, log).catch(() => {})
    throw error
  }
  const present = fresh ? [] : (before?.services ?? [])
  const wanted = [...new Set([...needed, ...present.map(({ name }) => name)])]
  // Cut off from a network, or ended at each attempt: the engine makes the next one after up to a minute.
  const remade = present
    .filter(({ connected, state }) => !connected || state === 'restarting')
    .map(({ name }) => name)
  const names = [...addedServices(stack).map(({ name }) => name), 'proxy', 'gateway', ...agents]
  const named = `starting ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
  const services = { wanted, remade, fresh }
  const state = await step(log, named, () => startServices(context, stack, services))
  if (repository) await verifyRepository(context, ready, repository, state)
  return { outcome: 'started', state }
}

/** Takes the stack down before it throws: a session must not open in it. */
async function verifyRepository(
  context: StartContext,
  stack: Stack,
  plan: RepositoryPlan,
  state: StackState,
) {
  const agents = state.services.filter(({ name, state }) => isAgent(name) && state === 'running')
  try {
    for (const { container } of agents) await refuseReplacedPaths(context, plan, container)
  } catch (error) {
    await compose(context.docker, composeProject(stack), down)
    await clearPlaceholders(stack.state, context.log).catch(() => {})
    throw error
  }
}

async function repositoryOrUndo({ workspace, settings, forbidden = [], state }: Stack, log: Log) {
  try {
    return await prepareRepository(workspace, { forbidden, settings }, state)
  } catch (error) {
    await clearPlaceholders(state, log).catch(() => {})
    throw error
  }
}

async function writeStackFile(stack: Stack, fingerprint: string) {
  await replaceFile(stack.state.override, renderComposeFile(buildStackFile(stack, fingerprint)))
}

/**
 * Hashes everything the containers are made from, except the credential, which the gateway rereads, and the name
 * by which the user calls us: another spelling must not restart a stack.
 */
async function stackFingerprint(stack: Stack) {
  const hash = createHash('sha256')
  hash.update(await readFile(join(stack.root, 'compose.yaml')))
  hash.update(JSON.stringify(buildStackFile(stack, '')))
  hash.update(JSON.stringify(stackVariables(stack)))
  return hash.digest('hex').slice(0, 16)
}
