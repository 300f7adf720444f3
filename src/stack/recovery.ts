import { until } from '../base/until.ts'
import type { StackState } from './inspect.ts'

/** Longer than from one look of the engine at a service's health to the next (compose.yaml). */
const patience = 40_000
const poll = 500

/**
 * Services that run, and did not answer when the engine last looked: on a host that was overloaded or
 * asleep, or after `docker unpause`, they are well at the next look.
 */
export function ailing({ services }: StackState): string[] {
  return services
    .filter(({ state, health }) => state === 'running' && health === 'unhealthy')
    .map(({ name }) => name)
}

/** Waits until no service ails, or time is up; resolves with the stack as it is then. */
export async function recovery(
  inspect: () => Promise<StackState | null>,
  { signal, milliseconds = patience }: { signal?: AbortSignal | undefined; milliseconds?: number },
): Promise<StackState | null> {
  let state: StackState | null = null
  const recovered = async () => {
    state = await inspect()
    return !state || ailing(state).length === 0
  }
  await until(recovered, { every: poll, timeout: milliseconds, signal })
  return state
}
