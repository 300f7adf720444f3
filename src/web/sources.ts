import type { TerminalSize } from '../engine/terminal-exec.ts'
import type { TerminalStream } from '../engine/terminal-stream.ts'
import type { Answers } from '../run/question.ts'
import type { EgressView, RunView, StackView, UsageView } from './messages.ts'

/** Everything that the page shows and does. An unknown stack is refused with a `UserError`. */
export type WebSources = {
  /** Returns the user's running stacks that have a terminal. */
  stacks: () => Promise<StackView[]>
  openTerminal: (stack: string, size: TerminalSize) => Promise<TerminalStream>
  /** Settles what the agent did to the files of the folder, and returns what the user must know. */
  afterTerminal: (stack: string) => Promise<string[]>
  /**
   * Passes on the decisions of the last hour and later ones; resolves when the proxy ends.
   *
   * @param since seconds since 1970
   */
  egress: (
    stack: string,
    options: {
      since: number
      onEntry: (entry: EgressView) => void
      onLeftOut: (count: number) => void
      signal: AbortSignal
    },
  ) => Promise<void>
  /** Allows or denies a name, and returns what the user must know. */
  editPolicy: (
    stack: string,
    edit: { name: string; action: 'allow' | 'deny'; here: boolean },
  ) => Promise<string[]>
  runs: (stack: string) => Promise<RunView[]>
  answer: (stack: string, runId: string, answers: Answers | null) => Promise<void>
  cancel: (stack: string, runId: string) => Promise<void>
  usage: (stack: string) => Promise<UsageView | null>
}
