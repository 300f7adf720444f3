export type Samples = readonly number[]

/** Returns the value that `share` of all samples do not exceed, interpolated between neighbours. */
export function quantile(samples: Samples, share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position % 1)
}

export function median(samples: Samples): number {
  return quantile(samples, 0.5)
}
