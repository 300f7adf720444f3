import { step } from '../base/log.ts'
import { until } from '../base/until.ts'
import { inspectStack, type StackState } from './inspect.ts'
import type { StartContext } from './start-services.ts'

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
