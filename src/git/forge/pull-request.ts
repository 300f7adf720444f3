/** A pull request, or a merge request of GitLab. Texts are the forge's: escape them for a terminal. */
export type PullRequest = {
  number: number
  /** Its page, on the forge's own host, in ASCII. */
  url: string
  title: string
  state: 'open' | 'closed' | 'merged'
  draft: boolean
  base: string
  head: {
    branch: string
    /** Object id of its last commit. */
    commit: string
    /** Whether the branch is in another repository. */
    fork: boolean
    /** The repository of the branch, such as `group/name`; null if it is gone or unknown. */
    repository: string | null
    /** GitLab's number of that repository; null at the others. */
    project: number | null
    /** Whether its owner lets those push to the branch who may write to the target. Of one that was read by number. */
    isOpenToPushes: boolean
  }
  /** The ref of the target repository that has its commits, also those of a fork. */
  ref: string
}

export type NewPullRequest = {
  /** One line. Control characters are removed, here and in the body. */
  title: string
  body: string
  /** Names of branches: `head` of this repository or of the fork, `base` of this one. */
  head: string
  base: string
  /** The fork that has `head`, such as `['eve', 'tools']`. */
  fork?: readonly string[]
  draft?: boolean
}
