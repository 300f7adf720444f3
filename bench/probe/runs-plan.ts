/** What the program in a worker is to measure, in milliseconds. */
export type RunsPlan = {
  prompt: string
  repetitions: number
  /** Folders below /workspaces. */
  workspaces: readonly string[]
} & (
  | {
      /** `fresh`: a new session by a process that waits for it. `turn`: the next of a session. `cold`: bare claude. */
      kind: 'one'
    }
  | {
      /** All of `runs` at once, spread over the workspaces: through the runner, and bare. */
      kind: 'many'
      runs: number
    }
)
