import type { TerminalSize } from '../engine/terminal-exec.ts'
import type { TerminalStream } from '../engine/terminal-stream.ts'
import type { Answers } from '../run/question.ts'
import type {
  CommitDetailsView,
  CommitsView,
  EgressView,
  ReviewRequest,
  RunView,
  StackView,
  UsageView,
} from './messages.ts'

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
  answer: (stack: string, runId: string, answers: Answers | null, question: string) => Promise<void>
  cancel: (stack: string, runId: string) => Promise<void>
  usage: (stack: string) => Promise<UsageView | null>
  /**
   * Fetches the commits of a git session as they are made, and passes on its list now and after each change.
   * Resolves when the signal fires, and at once for any other stack.
   */
  commits: (
    stack: string,
    options: {
      onCommits: (commits: CommitsView) => void
      /** A commit that the host does not take. */
      onTrouble: (text: string) => void
      signal: AbortSignal
    },
  ) => Promise<void>
  commit: (stack: string, id: string) => Promise<CommitDetailsView>
  /** Does what the user chose after a review, and returns what they must know. */
  review: (request: ReviewRequest) => Promise<string[]>
}
