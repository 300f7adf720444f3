import { until } from '../base/until.ts'
import type { StackState } from './inspect.ts'

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
