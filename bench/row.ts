import type { Figure } from './figure.ts'
import type { System } from './system.ts'

export type RowOptions = {
  /** Files of the folder that P16 copies. */
  files: number
}

export type Row = {
  /** `P1`, as in RESULTS.md. */
  id: string
  /** Whether it measures the server's stack alone, or also that one; stacks of folders without it. */
  part?: 'server' | 'both'
  /** Returns null when the system has no such part. */
  measure: (system: System, repetitions: number, options: RowOptions) => Promise<Figure[] | null>
}
