import { createDeferred } from '../base/async.ts'

/** How a run waits for a place. */
export type Waiting = {
  /** Ends the wait, because the client left. */
  signal: AbortSignal
  /** Called when there is no place yet, before the wait. */
  onWait?: () => void
}

export type RunPlacesOptions = {
  /** Maximum number of runs of one tenant at once. */
  limit: number
  /** Maximum number of a tenant's runs that wait for a place. */
  queue: number
  /** Maximum time that a run waits. */
  milliseconds?: number
  /** Returns the error for a run that gets no place. */
  full: (limit: number) => Error
}

const waitMilliseconds = 600_000

/**
 * Counts the runs of each tenant, and gives a place that becomes free to the one that has waited longest. A
 * newcomer does not overtake.
 */
export function createRunPlaces(options: RunPlacesOptions) {
  const { limit, queue, milliseconds = waitMilliseconds, full } = options
  const taken = new Map<string, number>()
  const waiting = new Map<string, Set<{ give: () => void; refuse: (error: Error) => void }>>()
  let closed: Error | null = null

  const countOf = (tenant: string) => taken.get(tenant) ?? 0
  const set = (tenant: string, count: number) => {
    if (count > 0) taken.set(tenant, count)
    else taken.delete(tenant)
  }

  function releaseOf(tenant: string) {
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      const [next] = waiting.get(tenant) ?? []
      if (next) next.give()
      else set(tenant, countOf(tenant) - 1)
    }
  }

  async function wait(tenant: string, { signal, onWait }: Waiting): Promise<void> {
    const ofTenant = waiting.get(tenant) ?? new Set()
    if (signal.aborted || ofTenant.size >= queue) throw full(limit)
    const turn = createDeferred<Error | null>()
    const entry = { give: () => leave(null), refuse: leave }
    const late = setTimeout(() => leave(full(limit)), milliseconds)
    const gone = () => leave(full(limit))
    // Synchronous, so that a place is given to one that still waits.
    function leave(error: Error | null) {
      if (!ofTenant.delete(entry)) return
      clearTimeout(late)
      signal.removeEventListener('abort', gone)
      if (ofTenant.size === 0) waiting.delete(tenant)
      turn.resolve(error)
    }
    ofTenant.add(entry)
    waiting.set(tenant, ofTenant)
    signal.addEventListener('abort', gone)
    onWait?.()
    const error = await turn.promise
    if (error) throw error
  }

  return {
    /** Returns the function that frees the place. Throws when there is none, and `given` does not wait. */
    async take(tenant: string, given: Waiting | null): Promise<() => void> {
      if (closed) throw closed
      if (countOf(tenant) < limit) set(tenant, countOf(tenant) + 1)
      else if (given) await wait(tenant, given)
      else throw full(limit)
      return releaseOf(tenant)
    },

    /** Number of runs that wait, of all tenants. */
    waiting: () => [...waiting.values()].reduce((sum, { size }) => sum + size, 0),

    /** Gives no more places, and ends each wait with this error. */
    close(error: Error) {
      closed = error
      for (const entry of [...waiting.values()].flatMap(entries => [...entries])) {
        entry.refuse(error)
      }
    },
  }
}
