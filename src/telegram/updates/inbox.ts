import * as z from 'zod'
import type { Records } from '../../tenants/store/records.ts'
import { chatOf, parseUpdate, type Update, updateId } from './update.ts'

const kind = 'update'

/** Updates that wait to be handled. Telegram keeps further ones for a day. */
export const mostWaiting = 5_000

const State = z.object({
  /** Id of the last update that was stored. */
  last: z.number(),
  /** When, in milliseconds since 1970. */
  at: z.number(),
})

/** After a week without updates Telegram numbers them again, perhaps lower: an old id would acknowledge them unread. */
const offsetMilliseconds = 6 * 86_400_000

/** An update that waits. */
export type Waiting = { id: number; chat: number }

/** The updates that were received and not yet handled. They outlive the process. */
export function openInbox(records: Records, now: () => number = Date.now) {
  const keyOf = (id: number) => String(id).padStart(16, '0')

  return {
    /** Returns the first update to ask for; null for everything that Telegram has. */
    offset(): number | null {
      const state = State.safeParse(records.get('state', 'poll'))
      if (!state.success || now() - state.data.at > offsetMilliseconds) return null
      return state.data.last + 1
    },

    /** Stores updates, so that they may be acknowledged; returns those that are new. */
    keep(updates: readonly unknown[]): Waiting[] {
      return records.durable(() => {
        const kept: Waiting[] = []
        let last: number | null = null
        for (const raw of updates) {
          const id = updateId(raw)
          if (id === null) continue
          last = id
          const update = parseUpdate(raw)
          if (update.kind === 'other') continue
          if (records.get(kind, keyOf(id)) !== null) continue
          records.put(kind, keyOf(id), update)
          kept.push({ id, chat: chatOf(update) })
        }
        if (last !== null) records.put('state', 'poll', { last, at: now() })
        return kept
      })
    },

    /** Returns the updates that an earlier process did not handle, oldest first. */
    waiting: (): Waiting[] =>
      records
        .list(kind)
        .map(({ key, value }) => ({ id: Number(key), chat: chatOf(value as Update) })),

    count: () => records.count(kind),

    read(id: number): Update {
      const value = records.get(kind, keyOf(id))
      return value === null ? { kind: 'other' } : (value as Update)
    },

    /** Forgets an update, in the transaction of `records.durable` that keeps what it led to. */
    remove: (id: number) => records.remove(kind, keyOf(id)),
  }
}
export type Inbox = ReturnType<typeof openInbox>
