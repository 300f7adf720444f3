import type { Samples } from './samples.ts'

export type Measurement = () => Promise<number>

/**
 * Takes each measurement `repetitions` times, in turns, so that other load on the machine affects all
 * of them alike. Every other round runs backwards, so that no measurement always follows the heavy
 * one. A first round warms caches and is not counted.
 */
export async function interleave<Name extends string>(
  repetitions: number,
  measurements: Record<Name, Measurement>,
): Promise<Record<Name, Samples>> {
  const entries = Object.entries<Measurement>(measurements)
  const samples = new Map(entries.map(([name]) => [name, [] as number[]]))
  for (let round = 0; round <= repetitions; round++) {
    for (const [name, measure] of round % 2 === 0 ? entries : entries.toReversed()) {
      const value = await measure()
      if (round > 0) samples.get(name)?.push(value)
    }
  }
  return Object.fromEntries(samples) as unknown as Record<Name, Samples>
}
