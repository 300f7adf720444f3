/**
 * Holds a workspace for one run at a time. A table of a database or a queue can stand behind it
 * as well as the sockets of one host.
 */
export type WorkspaceLease = {
  /**
   * Resolves when the workspace is this run's, with the function that gives it back. Throws a
   * `RunRefusal` (busy) when another one has it, unless `wait` is given.
   */
  acquire: (
    workspace: string,
    runId: string,
    options: { wait: boolean; signal: AbortSignal },
  ) => Promise<() => void>
}
