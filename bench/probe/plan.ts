import type { Route } from '../system.ts'

type Common = { routes: Record<string, Route>; repetitions: number }

/** What the program in the container is to measure. */
export type Plan =
  | (Common & { kind: 'first-byte' })
  | (Common & { kind: 'download'; bytes: number })
  | (Common & { kind: 'first-event' | 'stream'; headers: Record<string, string>; prompt: string })
