/** How a person starts a session. */
export type SessionOptions = {
  /** Name of a new session, or of one to continue. */
  name?: string
  /** Name of its branch. Default: `claude/` and the time. */
  branch?: string
  /** Begins with this branch of the remote. */
  remoteBranch?: string
  /** Begins with this pull request. */
  pullRequest?: number
  /** Begins with a commit of another session, `SESSION`, `SESSION:COMMIT` or `SESSION@STATE`. */
  from?: string
  includeUntracked?: boolean
  /** Begins a new one although others run here. */
  skipReconnectCheck?: boolean
  mayPush?: boolean
  mayOpenPullRequest?: boolean
}
