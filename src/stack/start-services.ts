import { until } from '../base/async.ts'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { step } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { refusedPolicy } from '../egress/proxy-log.ts'
import { compose } from '../engine/compose.ts'
import type { Engine } from '../engine/engine.ts'
import { noteHostFiles } from './host-files.ts'
import { closeHostSide } from './host-side.ts'
import { inspectStack, type ServiceState, type StackState } from './inspect.ts'
import { clearPlaceholders } from './protection.ts'
import { isAgent, serviceOfEgress } from './services.ts'
import { composeProject, type Stack } from './stack.ts'
import type { StartContext } from './start-context.ts'
import { permitStart } from './state/filter-file.ts'
import { createVolumes, refuseOtherNetworks } from './volumes.ts'
import { waitUntilHealthy } from './wait-healthy.ts'

/** Milliseconds; longer than the healthcheck interval (compose.yaml). */
const patience = 40_000
const poll = 500

/**
 * Returns the running services whose last healthcheck failed. Often transient: after overload, suspend
 * or `docker unpause` the next healthcheck passes.
 */
export function unhealthyServices({ services }: StackState): string[] {
  return services
    .filter(({ state, health }) => state === 'running' && health === 'unhealthy')
    .map(({ name }) => name)
}

/** Waits until no service is unhealthy or the timeout expires; resolves with the stack's state then. */
export async function recovery(
  inspect: () => Promise<StackState | null>,
  { signal, milliseconds = patience }: { signal?: AbortSignal | undefined; milliseconds?: number },
): Promise<StackState | null> {
  let state: StackState | null = null
  const recovered = async () => {
    state = await inspect()
    return !state || unhealthyServices(state).length === 0
  }
  await until(recovered, { every: poll, timeout: milliseconds, signal })
  return state
}

/** Waits for unhealthy services of a stack that stays as it is: Compose would give up on them at once. */
export async function waitForRecovery(
  { engine, log, signal }: Pick<StartContext, 'engine' | 'log' | 'signal'>,
  found: StackState | null,
  fingerprint: string,
): Promise<StackState | null> {
  const unhealthy = found?.fingerprint === fingerprint ? unhealthyServices(found) : []
  if (!found || unhealthy.length === 0) return found
  const waiting = `waiting for ${unhealthy.join(' and ')} to be healthy again`
  return step(log, waiting, () => recovery(() => inspectStack(engine, found.stack), { signal }))
}

const up = ['up', '--detach', '--pull', 'never', '--no-build']
const down = ['down', '--remove-orphans', '--timeout', '5']

type Services = {
  /** All services that must run afterwards. */
  wanted: readonly string[]
  /** Services whose containers must be made again although Compose considers them up to date. */
  remade: readonly string[]
  /** Whether the stack has no containers yet; otherwise it is repaired. */
  fresh: boolean
}

/**
 * Starts services, waits until they are healthy, and returns the stack's state. Undoes its part before it throws.
 */
export async function startServices(
  context: StartContext,
  stack: Stack,
  services: Services,
): Promise<StackState> {
  try {
    return await bringUp(context, stack, services)
  } catch (error) {
    const explained = await explainFailure(context.engine, stack.identity.name, error)
    // The reason of the failure matters more than that of the clean-up; `stop` and `start` repeat it.
    await undo(context, stack, services).catch(() => {})
    throw explained
  }
}

async function bringUp(
  context: StartContext,
  stack: Stack,
  { wanted, remade, fresh }: Services,
): Promise<StackState> {
  const { engine, docker, log, signal } = context
  if (remade.length > 0) {
    await compose(docker, composeProject(stack), ['rm', '--stop', '--force', ...remade], { signal })
  }
  await refuseOtherNetworks(engine, stack.identity)
  await createVolumes({ engine, docker, signal }, stack, wanted)
  await permitStart(stack.state)
  const project = composeProject(stack, wanted)
  const begin = async () => {
    await compose(docker, project, [...up, ...wanted], { timeout: 180_000, signal })
    // The networks exist from here on, and close while the services become healthy.
    const [, state] = await settled([
      closeHostSide(context, stack, { running: false }),
      waitUntilHealthy(engine, project.name, wanted, { signal }),
    ])
    return state
  }
  const [state] = await settled([
    begin(),
    // In parallel, because it takes as long in a large folder. No session opens before both are done.
    // A repaired stack keeps its recorded baseline.
    fresh ? noteHostFiles(stack.workspace, stack.state, log) : null,
  ])
  return state
}

/** Waits for all, so that a failure is undone only when nothing is created any more. Throws the first failure. */
async function settled<T extends readonly unknown[]>(work: readonly [...T]) {
  await Promise.allSettled(work)
  return Promise.all(work)
}

/**
 * Undoes a failed start. A service that ran and failed stays for `logs`, with those beside it; containers
 * that never ran are removed. When no service failed, or the user cancelled, nothing of a new stack
 * stays: an engine has only few networks.
 */
async function undo(
  { engine, docker, log, signal }: StartContext,
  stack: Stack,
  { fresh }: Services,
) {
  const { name } = stack.identity
  const services = (await inspectStack(engine, name))?.services ?? []
  const cancelled = signal?.aborted ?? false
  const unstarted = services.filter(({ state }) => state === 'created').map(({ name }) => name)
  if (services.length === 0 || (fresh && (cancelled || !services.some(hasFailed)))) {
    await compose(docker, composeProject(stack), down)
  } else if (unstarted.length > 0) {
    await compose(docker, composeProject(stack), ['rm', '--force', ...unstarted])
  }
  // While a container mounts the placeholders they protect it.
  const left = await inspectStack(engine, name)
  if (!left?.services.some(({ name }) => isAgent(name))) await clearPlaceholders(stack.state, log)
}

/** Returns whether a service ran, and does not work. */
export function hasFailed({ state, health }: ServiceState) {
  return state === 'running' ? health !== 'healthy' : state === 'exited' || state === 'restarting'
}

/**
 * Adds the last log lines of a service that did not become healthy: they say more than Compose's error.
 *
 * @param logs the command that shows a service's log
 */
export async function explainFailure(engine: Engine, name: string, error: unknown, logs = 'logs') {
  if (!(error instanceof UserError)) return error
  const state = await inspectStack(engine, name).catch(() => null)
  // A container that was never started has no log. One that was just restarted looks healthy: Compose
  // names it.
  const failed =
    state?.services.find(({ state, health }) =>
      state === 'running' ? health === 'unhealthy' : state !== 'created',
    ) ?? state?.services.find(service => error.message.includes(`${name}-${service.name}-1 `))
  if (!failed) return error
  const lines = await engine.logLines(failed.container, 20).catch(() => [])
  const last = lines.findLast(line => line.trim() !== '')
  if (!last) return error
  const refused = failed.name === serviceOfEgress ? refusedPolicy(lines) : null
  if (refused !== null) {
    return new UserError(`the proxy rejected its policy: ${terminalLine(refused)}`, {
      hint: 'fix proxy/squid.conf; run git diff proxy/squid.conf to see the edit',
      cause: error,
    })
  }
  return new UserError(`${failed.name} did not start: ${terminalLine(last)}`, {
    hint: `run ${command(`${logs} ${failed.name}`)} to see the rest`,
    cause: error,
  })
}
