/**
 * Holds a workspace for one run at a time. Can be implemented by a database table or a queue as well as
 * by the sockets of one host.
 */
export type WorkspaceLease = {
  /**
   * Resolves with the release function once this run holds the workspace. Throws a `RunRefusal` (busy)
   * when another run holds it, unless `wait` is given.
   */
  acquire: (
    workspace: string,
    runId: string,
    options: { wait: boolean; signal: AbortSignal },
  ) => Promise<() => void>
}
