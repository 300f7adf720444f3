import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { messageOf } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Grants } from '../../tenants/grants.ts'
import type { Records } from '../../tenants/store/records.ts'
import type { Messages, Spot } from '../bot-api/messages.ts'
import type { Job } from '../jobs/job.ts'

const kind = 'grant'

/** Times that a button offers, in seconds. */
const times = { '15m': 900, '1h': 3_600, '8h': 28_800 } as const
const offerMilliseconds = 3_600_000

/** A refused name, while its buttons are in a chat. */
const Offer = z.object({
  nonce: z.string(),
  chat: z.number(),
  topic: z.number().nullable(),
  tenant: z.string(),
  name: z.string(),
  message: z.number().nullable(),
  /** Milliseconds since 1970. */
  until: z.number(),
})
type Offer = z.infer<typeof Offer>

export type GrantPress = { nonce: string; seconds: number | null }

/** Parses the data of a pressed button; null for other data. `seconds` is null for "no". */
export function parseGrantData(data: string): GrantPress | null {
  const [, nonce, time] = /^g:([A-Za-z0-9_-]{16}):(15m|1h|8h|no)$/.exec(data) ?? []
  if (nonce === undefined) return null
  return { nonce, seconds: time === 'no' ? null : times[time as keyof typeof times] }
}

/**
 * Offers names that the proxy refused to a run, and opens them for a time when an administrator presses. The grant is
 * below the ceiling `grantable_sites`, for the tenant of the run alone, and logged with who granted it.
 */
export function createNameGrants(parts: {
  records: Records
  messages: Messages
  grants: Grants
  now?: () => number
}) {
  const { records, messages, grants, now = Date.now } = parts

  const find = (nonce: string): Offer | null => {
    const parsed = Offer.safeParse(records.get(kind, nonce))
    return parsed.success ? parsed.data : null
  }

  async function close({ chat, topic, message }: Offer, words: string) {
    if (message !== null) await messages.edit({ chat, topic }, message, words, [], { last: true })
  }

  async function offer(spot: Spot, tenant: string, name: string) {
    const nonce = randomBytes(12).toString('base64url')
    const made: Offer = {
      ...spot,
      nonce,
      tenant,
      name,
      message: null,
      until: now() + offerMilliseconds,
    }
    records.put(kind, nonce, made)
    const buttons = [
      Object.keys(times).map(time => ({ text: time, callback_data: `g:${nonce}:${time}` })),
      [{ text: 'Keep it closed', callback_data: `g:${nonce}:no` }],
    ]
    const text = `🔒 The proxy refused ${name} to this run. Open it for a time? Only administrators of this bot can.`
    const message = await messages.say(spot, text, { buttons })
    if (find(nonce)) records.put(kind, nonce, { ...made, message })
  }

  return {
    /** Shows the buttons for names that were refused to a job. */
    offer(job: Job, found: readonly string[]) {
      const { chat, topic, tenant } = job
      if (tenant === null) return
      for (const name of found) void offer({ chat, topic }, tenant, name)
    },

    /**
     * Takes a press of an administrator of the chat; returns the words for him.
     *
     * @param place.isShown whether its message has that button
     */
    async press(
      place: { chat: number; message: number; user: number; isShown: boolean },
      press: GrantPress,
    ): Promise<string> {
      const kept = find(press.nonce)
      // A server that was killed before it noted the message has none.
      const message = kept?.message ?? (place.isShown ? place.message : null)
      if (!kept || kept.chat !== place.chat || message !== place.message) {
        if (place.isShown) void messages.takeButtons(place, place.message)
        return 'expired'
      }
      const made: Offer = { ...kept, message }
      // One use.
      records.remove(kind, made.nonce)
      if (made.until < now()) {
        void close(made, `🔒 ${made.name}: the offer has expired`)
        return 'expired'
      }
      if (press.seconds === null) {
        void close(made, `🔒 ${made.name} stays closed`)
        return 'it stays closed'
      }
      try {
        const { tenant, name } = made
        const by = `telegram:${place.user}`
        const [change] = await grants.grant({ names: [name], tenant, seconds: press.seconds, by })
        const end = change?.until ?? ''
        void close(
          made,
          `🔓 ${name} is open until ${end}, if grantable_sites admits it. Ask again for what failed.`,
        )
        return 'granted'
      } catch (error) {
        void close(made, `🔒 ${made.name} was not opened: ${terminalLine(messageOf(error), 300)}`)
        return 'not granted'
      }
    },

    /** Forgets the offers whose time is over, and takes their buttons away. */
    async expire(): Promise<void> {
      for (const { key, value } of records.list(kind)) {
        const parsed = Offer.safeParse(value)
        if (parsed.success && parsed.data.until >= now()) continue
        records.remove(kind, key)
        if (parsed.success)
          await close(parsed.data, `🔒 ${parsed.data.name}: the offer has expired`)
      }
    },
  }
}
export type NameGrants = ReturnType<typeof createNameGrants>
