/** What Telegram takes from a bot: one message a second in a chat, 20 a minute in a group, and 30 a second in all. */
export type PaceLimits = {
  /** Milliseconds between two calls in one chat. */
  chat: number
  /** Calls in a group within a minute. */
  group: number
  /** Calls within a second, of all chats. */
  all: number
}

const defaults: PaceLimits = { chat: 1_000, group: 20, all: 30 }

const second = 1_000
const minute = 60_000

/** Counts the calls to each chat, and tells when the next one may be made. Times are milliseconds of `now`. */
export function createPace(now: () => number, given: Partial<PaceLimits> = {}) {
  const limits = { ...defaults, ...given }
  const last = new Map<number, number>()
  const paused = new Map<number, number>()
  const groups = new Map<number, number[]>()
  let all: number[] = []

  /** Groups have negative ids. */
  const isGroup = (chat: number) => chat < 0
  const within = (times: readonly number[], span: number) => {
    const from = now() - span
    return times.filter(time => time > from)
  }

  return {
    /** Returns when the next call to this chat may be made; `now()` or earlier for at once. */
    readyAt(chat: number): number {
      const waits = [(last.get(chat) ?? Number.NEGATIVE_INFINITY) + limits.chat]
      waits.push(paused.get(chat) ?? Number.NEGATIVE_INFINITY)
      all = within(all, second)
      if (all.length >= limits.all) waits.push((all[all.length - limits.all] ?? 0) + second)
      if (isGroup(chat)) {
        const times = within(groups.get(chat) ?? [], minute)
        if (times.length >= limits.group) {
          waits.push((times[times.length - limits.group] ?? 0) + minute)
        }
      }
      return Math.max(...waits)
    },

    /** Counts a call that is made now. */
    took(chat: number) {
      const at = now()
      last.set(chat, at)
      all.push(at)
      if (isGroup(chat)) groups.set(chat, [...within(groups.get(chat) ?? [], minute), at])
    },

    /** Holds back all calls to a chat, as the Bot API asked for. */
    pause(chat: number, milliseconds: number) {
      paused.set(chat, Math.max(paused.get(chat) ?? 0, now() + milliseconds))
    },

    /** Forgets the chats without a call in the last minutes. */
    prune() {
      const old = now() - 2 * minute
      for (const [chat, at] of last) {
        if (at > old || (paused.get(chat) ?? 0) > now()) continue
        for (const map of [last, paused, groups]) map.delete(chat)
      }
    },
  }
}
export type Pace = ReturnType<typeof createPace>
