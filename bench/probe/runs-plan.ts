/** The measurements for the program in a worker, in milliseconds. */
export type RunsPlan = {
  prompt: string
  repetitions: number
  /** Folders below /workspaces. */
  workspaces: readonly string[]
} & (
  | {
      /**
       * `fresh`: a new session by a process of the warm pool. `turn`: the next turn of a session.
       * `cold`: bare claude.
       */
      kind: 'one'
    }
  | {
      /** Starts all of `runs` at once, spread over the workspaces: through the runner, and bare. */
      kind: 'many'
      runs: number
    }
)
