import type { Route } from '../system.ts'

type Common = { routes: Record<string, Route>; repetitions: number }

/** The measurements for the program in the container. */
export type Plan =
  | (Common & { kind: 'first-byte' })
  /**
   * Dials until a connection is accepted: the result is that time in milliseconds since 1970, not a
   * duration.
   */
  | (Common & { kind: 'opens' })
  | (Common & { kind: 'download'; bytes: number })
  | (Common & { kind: 'first-event' | 'stream'; headers: Record<string, string>; prompt: string })
