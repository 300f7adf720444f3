import { median, type Samples } from './samples.ts'

export type Unit = 'ms' | 'MB/s' | 'MiB' | 'MB' | 'kB' | '/s'

/** The target of a figure. `extra` and `limit` are in the figure's unit. */
export type Target =
  | { kind: 'ratio-at-most'; ratio: number; extra?: number }
  | { kind: 'ratio-at-least'; ratio: number }
  | { kind: 'extra-at-most'; extra: number }
  | { kind: 'at-most'; limit: number }
  /** Shown beside another figure, to explain it. */
  | { kind: 'none' }

/** One line of the table. */
export type Figure = {
  /** `P1` */
  row: string
  what: string
  unit: Unit
  ours: Samples
  baseline: Samples | null
  target: Target
}

/** Returns whether the medians reach the target; null when there is no target. */
export function isReached({ ours, baseline, target }: Figure): boolean | null {
  const our = median(ours)
  const theirs = baseline ? median(baseline) : Number.NaN
  switch (target.kind) {
    case 'ratio-at-most':
      return our <= theirs * target.ratio + (target.extra ?? 0)
    case 'ratio-at-least':
      return our >= theirs * target.ratio
    case 'extra-at-most':
      return our - theirs <= target.extra
    case 'at-most':
      return our <= target.limit
    case 'none':
      return null
    default:
      return target satisfies never
  }
}

export function renderTarget(target: Target, unit: Unit): string {
  switch (target.kind) {
    case 'ratio-at-most':
      return `≤ ${target.ratio} ×${target.extra ? ` + ${target.extra} ${unit}` : ''}`
    case 'ratio-at-least':
      return `≥ ${target.ratio} ×`
    case 'extra-at-most':
      return `≤ + ${target.extra} ${unit}`
    case 'at-most':
      return `≤ ${target.limit} ${unit}`
    case 'none':
      return '–'
    default:
      return target satisfies never
  }
}
