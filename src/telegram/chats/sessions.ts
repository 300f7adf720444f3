import * as z from 'zod'
import type { RunRequest } from '../../run/request.ts'
import type { Records } from '../../tenants/store/records.ts'
import type { Spot } from '../bot-api/messages.ts'

const kind = 'session'
const Session = z.object({
  /** Null after `/new`: the next run begins a conversation. */
  id: z.uuid().nullable(),
})

/** The conversation of each chat, and of each topic of a forum. */
export function openSessions(records: Records) {
  const keyOf = ({ chat, topic }: Spot) => `${chat}:${topic ?? 0}`

  return {
    /** Returns how the next run begins. A chat without a conversation of its own goes on with that of its workspace. */
    next(spot: Spot, continues: boolean): RunRequest['session'] {
      if (!continues) return { kind: 'fresh' }
      const known = Session.safeParse(records.get(kind, keyOf(spot)))
      if (known.success && known.data.id !== null) return { kind: 'resume', id: known.data.id }
      // The last conversation of the workspace can be that of another topic.
      if (known.success || spot.topic !== null) return { kind: 'fresh' }
      return { kind: 'continue' }
    },

    /** Notes the session of a run that ended. */
    note: (spot: Spot, id: string) => records.put(kind, keyOf(spot), { id }),

    /** Begins a conversation with the next run. */
    reset: (spot: Spot) => records.put(kind, keyOf(spot), { id: null }),
  }
}
export type Sessions = ReturnType<typeof openSessions>
