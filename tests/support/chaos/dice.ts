import { randomInt } from 'node:crypto'
import type { Test } from 'tap'

export type Dice = {
  /** A whole number from `low` up to, and without, `high`. */
  between: (low: number, high: number) => number
  pick: <T>(list: readonly T[]) => T
}

/**
 * Chance that can be repeated: the seed is printed, and CHAOS_SEED sets it. Each test file has its own
 * dice, so that a failure comes back without the files before it.
 */
export function createDice(t: Test): Dice {
  const seed = Number(process.env.CHAOS_SEED ?? randomInt(2 ** 31))
  t.comment(`CHAOS_SEED=${seed} repeats this run`)
  let state = seed >>> 0
  // mulberry32: short, and good enough to spread points over a few seconds.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low))
  return {
    between,
    pick: list => {
      const chosen = list[between(0, list.length)]
      if (chosen === undefined) throw new Error('nothing to pick from')
      return chosen
    },
  }
}

/** How often each blow falls: CHAOS_ROUNDS, or `usual`. */
export function rounds(usual: number): number {
  return Number(process.env.CHAOS_ROUNDS ?? usual)
}
