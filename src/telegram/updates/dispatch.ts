import type { Waiting } from './inbox.ts'

/** Updates that are handled at once, at most one of each chat. */
const atOnce = 64

/**
 * Handles updates: those of one chat in their order, one at a time, and the chats in turns, so that a flood in one chat
 * does not hold up another.
 */
export function createDispatch(
  handle: (update: Waiting) => Promise<void>,
  { limit = atOnce }: { limit?: number } = {},
) {
  /** In the order of the chats' turns. */
  const queues = new Map<number, number[]>()
  const active = new Map<number, Promise<void>>()
  let isClosed = false

  function look() {
    for (const [chat, ids] of [...queues]) {
      if (isClosed || active.size >= limit) return
      if (active.has(chat)) continue
      const id = ids.shift()
      queues.delete(chat)
      if (id === undefined) continue
      if (ids.length > 0) queues.set(chat, ids)
      const work = handle({ id, chat }).finally(() => {
        active.delete(chat)
        // Behind the chats that waited meanwhile.
        const rest = queues.get(chat)
        if (rest) {
          queues.delete(chat)
          queues.set(chat, rest)
        }
        look()
      })
      active.set(chat, work)
    }
  }

  return {
    add(updates: readonly Waiting[]) {
      for (const { id, chat } of updates) {
        const queue = queues.get(chat) ?? []
        queue.push(id)
        queues.set(chat, queue)
      }
      look()
    },

    /** Begins no more; resolves once the updates in progress are handled. What waits is in the inbox. */
    async close(): Promise<void> {
      isClosed = true
      await Promise.allSettled(active.values())
    },
  }
}
export type Dispatch = ReturnType<typeof createDispatch>
