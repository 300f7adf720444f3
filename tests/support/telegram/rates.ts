/** A bucket that leaks: `perSecond` messages leave it, and it holds `capacity`. */
export type Bucket = { perSecond: number; capacity: number }

/**
 * Limits that Telegram states: one message a second in a chat, in which it takes a short burst, 20 a minute in a group,
 * and 30 a second in all.
 */
export const telegramLimits = {
  chat: { perSecond: 1, capacity: 3 },
  group: { perSecond: 20 / 60, capacity: 20 },
  all: { perSecond: 30, capacity: 30 },
} as const satisfies Record<string, Bucket>
export type BucketName = keyof typeof telegramLimits

export type Excess = { bucket: BucketName; chat: number; level: number; retryAfter: number }

/** Counts what a bot sends and edits. A steady stream at the limit has a level of about one, wherever it pauses. */
export function createRates(
  limits: Record<BucketName, Bucket> = telegramLimits,
  now = () => performance.now(),
) {
  const levels = new Map<string, { level: number; at: number }>()
  const excesses: Excess[] = []
  const peaks = { chat: 0, group: 0, all: 0 }

  return {
    /** Counts one message. Returns the bucket that overflows, for which it is not counted; null otherwise. */
    count(chat: number): Excess | null {
      const at = now()
      const keys: [BucketName, string][] = [
        ['all', 'all'],
        ['chat', `chat ${chat}`],
      ]
      if (chat < 0) keys.push(['group', `group ${chat}`])
      const raised = keys.map(([bucket, key]) => {
        const { perSecond } = limits[bucket]
        const before = levels.get(key) ?? { level: 0, at }
        const left = Math.max(0, before.level - ((at - before.at) / 1000) * perSecond)
        return { bucket, key, level: left + 1 }
      })
      const over = raised.find(({ bucket, level }) => level > limits[bucket].capacity)
      if (over) {
        const { perSecond, capacity } = limits[over.bucket]
        const retryAfter = Math.ceil((over.level - capacity) / perSecond)
        const excess = { bucket: over.bucket, chat, level: over.level, retryAfter }
        excesses.push(excess)
        return excess
      }
      for (const { bucket, key, level } of raised) {
        levels.set(key, { level, at })
        peaks[bucket] = Math.max(peaks[bucket], level)
      }
      return null
    },
    /** Returns the messages above a limit, and the highest level of a bucket of each kind. */
    state: () => ({ excesses: [...excesses], peaks: { ...peaks } }),
  }
}
export type Rates = ReturnType<typeof createRates>
