import { stateFolder } from '../stack/state/state-folder.ts'
import { type CommitDiff, diffCommit, diffSession } from './commit-diff.ts'
import { type CommitFiles, readCommitFiles } from './commit-files.ts'
import { type Commit, chooseCommit, countCommits, listCommits } from './commits.ts'
import { type Finding, findInCommit } from './findings.ts'
import { openQuarantine } from './quarantine.ts'
import { openRepository } from './repository.ts'
import type { Session } from './session-record.ts'
import { readTips, type SessionTips } from './tips.ts'

/** A commit with all that a review shows beside its diff. */
export type CommitDetails = Commit & CommitFiles & { findings: Finding[] }

export type SessionView = {
  session: Session
  tips: SessionTips
  /** The session's own commits, the newest first, at most 1,000. */
  commits: Commit[]
  /** Number of commits that a push takes. */
  pushed: number
  /** Number of those that are not listed: an agent can make more commits than a person looks at. */
  unlisted: number
  /** Returns a listed commit by the beginning of its id; throws a `UserError` for any other. */
  commit: (wanted: string) => Promise<CommitDetails>
  /** Returns the patch of a listed commit, at most `limit` bytes. */
  diff: (wanted: string, limit?: number) => Promise<CommitDiff>
  /** Returns the patch of all commits of its branch together; empty without one. */
  diffAll: (limit?: number) => Promise<CommitDiff>
}

/**
 * Opens the commits that a session has brought to the repository. Reads only: what the container has beyond
 * that is fetched by `collect`. Names and messages are of the agent: `terminalLine` or HTML escapes show them;
 * patches have visible characters only.
 */
export async function openSessionView(
  session: Session,
  signal?: AbortSignal,
): Promise<SessionView> {
  const repository = await openRepository(session.folder)
  const { git } = await openQuarantine(stateFolder(session.stack), repository, signal)
  const tips = await readTips(repository, session.session)
  const [commits, pushed] = await Promise.all([listCommits(git, tips), countCommits(git, tips)])
  return {
    session,
    tips,
    commits,
    pushed,
    unlisted: pushed - commits.filter(({ onBranch }) => onBranch).length,
    async commit(wanted) {
      const commit = chooseCommit(commits, wanted)
      const listed = await readCommitFiles(git, commit)
      return { ...commit, ...listed, findings: await findInCommit(git, listed.files, listed.more) }
    },
    diff: async (wanted, limit) => diffCommit(git, chooseCommit(commits, wanted), limit),
    diffAll: async limit =>
      tips.branch === null
        ? { patch: '', truncated: false }
        : diffSession(git, { base: tips.base, tip: tips.branch }, limit),
  }
}
