import { EventEmitter, once } from 'node:events'
import { ApiError } from './api-error.ts'

export type Update = { update_id: number; [kind: string]: unknown }

/** Kinds that a bot gets only when it names them in `allowed_updates`. */
const onRequest = ['chat_member', 'message_reaction', 'message_reaction_count']

const conflict =
  'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'

/** The updates of a bot, in the order of their ids. One that was delivered stays until an offset above it. */
export function createUpdateQueue() {
  const arrivals = new EventEmitter()
  const delivered = new Map<number, number>()
  let waiting: Update[] = []
  let lastId = 873_004_000
  let confirmed = lastId
  let allowed: readonly string[] = []
  let poll = new AbortController()

  function confirm(offset: number) {
    // A negative offset keeps so many updates from the end, and forgets those before them.
    const first = offset < 0 ? (waiting.at(offset)?.update_id ?? 0) : offset
    waiting = waiting.filter(({ update_id }) => update_id >= first)
    confirmed = Math.max(confirmed, first - 1)
  }

  return {
    /** Adds an update; null for a kind that the bot does not want. */
    push(kind: string, content: unknown): number | null {
      const wanted = allowed.length > 0 ? allowed.includes(kind) : !onRequest.includes(kind)
      if (!wanted) return null
      lastId += 1
      waiting.push({ update_id: lastId, [kind]: content })
      arrivals.emit('update')
      return lastId
    },

    /** Answers getUpdates. A second request ends the first one with 409. */
    async take(
      request: { offset: number; limit: number; timeout: number; allowed?: readonly string[] },
      gone: AbortSignal,
    ): Promise<Update[]> {
      poll.abort()
      const mine = new AbortController()
      poll = mine
      if (request.allowed) allowed = request.allowed
      confirm(request.offset)
      if (waiting.length === 0 && request.timeout > 0) {
        const over = AbortSignal.timeout(Math.min(50, request.timeout) * 1000)
        const signal = AbortSignal.any([mine.signal, gone, over])
        await once(arrivals, 'update', { signal }).catch(() => {})
      }
      if (mine.signal.aborted) throw new ApiError(409, conflict)
      if (gone.aborted) return []
      const batch = waiting.slice(0, Math.min(100, Math.max(1, request.limit)))
      for (const { update_id } of batch) {
        delivered.set(update_id, (delivered.get(update_id) ?? 0) + 1)
      }
      return batch
    },

    /** Returns how often each update was delivered, and whether the bot confirmed it. */
    state: () => ({
      waiting: waiting.map(({ update_id }) => update_id),
      confirmed,
      delivered: Object.fromEntries(delivered),
    }),
  }
}
export type UpdateQueue = ReturnType<typeof createUpdateQueue>
