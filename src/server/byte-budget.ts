/**
 * Counts bytes that requests hold in memory: at most `total`, and at most `each` for one token, so that one
 * token does not keep out the others.
 */
export function createByteBudget({ total, each }: { total: number; each: number }) {
  const held = new Map<string, number>()
  let sum = 0

  return {
    /** Takes more bytes for a token; false when there is no room for them. */
    take(name: string, bytes: number): boolean {
      const own = held.get(name) ?? 0
      if (sum + bytes > total || own + bytes > each) return false
      sum += bytes
      held.set(name, own + bytes)
      return true
    },
    give(name: string, bytes: number) {
      const own = (held.get(name) ?? 0) - bytes
      sum -= bytes
      if (own > 0) held.set(name, own)
      else held.delete(name)
    },
  }
}
