import type { Caller } from '../operations/context.ts'
import type { EarlyClient } from './run/early-client.ts'

/** The arguments of every command, in addition to its own options. */
export type Invocation = Caller & {
  verbose: boolean
  /** The client that `claude.ts` started for `run` before parsing the command line. */
  earlyClient?: EarlyClient | null
  /** Whether to load the completion library, which adds commands of its own. */
  completes: boolean
  /** Sets the exit status, for commands that pass on the status of a program. */
  setStatus: (code: number) => void
}

/** Thrown for a command line that does not parse, after the error was printed. */
export const usageReported = new Error('usage error')
