import type { Figure } from './figure.ts'
import type { System } from './system.ts'

export type RowOptions = {
  /** Files of the folder that P16 copies. */
  files: number
}

export type Row = {
  /** `P1`, as in RESULTS.md. */
  id: string
  /** Returns null when the system has no such part. */
  measure: (system: System, repetitions: number, options: RowOptions) => Promise<Figure[] | null>
}
