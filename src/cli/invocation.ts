import type { Caller } from '../operations/engine-context.ts'
import type { EarlyClient } from './run/early-client.ts'

/** What every command gets besides its own options. */
export type Invocation = Caller & {
  verbose: boolean
  /** What `claude.ts` began for `run` before it was read. */
  earlyClient?: EarlyClient | null
  /** Nothing but warnings and errors on stderr. */
  quiet?: boolean
  /** The completion library adds its own commands, but only when they are asked for. */
  completes: boolean
  /** For commands that pass on the exit status of what they ran. */
  setStatus: (code: number) => void
}
