import type { Route } from '../system.ts'

type Common = { routes: Record<string, Route>; repetitions: number }

/** What the program in the container is to measure. */
export type Plan =
  | (Common & { kind: 'first-byte' })
  /** Dials until it is let through: the moment, milliseconds since 1970, instead of a length of time. */
  | (Common & { kind: 'opens' })
  | (Common & { kind: 'download'; bytes: number })
  | (Common & { kind: 'first-event' | 'stream'; headers: Record<string, string>; prompt: string })
