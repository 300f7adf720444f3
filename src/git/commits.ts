import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { ClosedGit } from './closed-git.ts'
import type { SessionTips } from './tips.ts'

/** A commit of a session. All of its text is of the agent: escape it for the place where it is shown. */
export type Commit = {
  id: string
  parents: string[]
  subject: string
  /** The message without its subject. */
  body: string
  author: { name: string; mail: string }
  /** ISO 8601; null for a time that no calendar has. */
  at: string | null
  /** True when the session's branch has it; false when only another branch or no branch of the copy does. */
  onBranch: boolean
}

/** Maximum number of commits that are listed, and characters of a message and of a name. */
const most = { commits: 1_000, message: 20_000, name: 200 }

const fields = ['%H', '%P', '%an', '%ae', '%at', '%s', '%b']

/** Lists the commits of a session that its beginning does not have, the newest first. */
export async function listCommits(git: ClosedGit, tips: SessionTips): Promise<Commit[]> {
  const { base, branch, head } = tips
  const starts = [branch, head].flatMap(tip => tip ?? [])
  if (starts.length === 0) return []
  const range = [...starts, ...(base ? [`^${base}`] : [])]
  const ofBranch = branch === null ? new Set<string>() : await idsOf(git, branch, base)
  const output = await git.need(
    'cannot list the commits',
    [
      ...['log', '-z', `--max-count=${most.commits}`, '--topo-order', '--no-show-signature'],
      ...['--no-mailmap', '--no-notes', '--encoding=UTF-8', `--format=${fields.join('%x00')}`],
      ...['--end-of-options', ...range, '--'],
    ],
    { limit: 64 * 1024 * 1024 },
  )
  return parseCommits(output.toString(), ofBranch)
}

/** Returns how many commits the session's branch has beyond its beginning: a push takes all of them, listed or not. */
export async function countCommits(
  git: ClosedGit,
  { base, branch }: Pick<SessionTips, 'base' | 'branch'>,
): Promise<number> {
  if (branch === null) return 0
  const range = [branch, ...(base ? [`^${base}`] : [])]
  const counted = await git.need('cannot count the commits', [
    ...['rev-list', '--count', '--end-of-options', ...range, '--'],
  ])
  return Number(counted.toString().trim())
}

async function idsOf(git: ClosedGit, tip: string, base: string | null): Promise<Set<string>> {
  const range = [tip, ...(base ? [`^${base}`] : [])]
  const listed = await git.ask(['rev-list', `--max-count=${most.commits}`, ...range, '--'])
  return new Set((listed ?? '').split('\n'))
}

function parseCommits(output: string, ofBranch: ReadonlySet<string>): Commit[] {
  const parts = output.split('\0')
  const commits: Commit[] = []
  for (let at = 0; at + fields.length <= parts.length; at += fields.length) {
    const [id = '', parents = '', name = '', mail = '', seconds = '', subject = '', body = ''] =
      parts.slice(at, at + fields.length)
    commits.push({
      id,
      parents: parents.split(' ').filter(Boolean),
      subject: subject.slice(0, most.message),
      body: body.trim().slice(0, most.message),
      author: { name: name.slice(0, most.name), mail: mail.slice(0, most.name) },
      at: timeOf(seconds),
      onBranch: ofBranch.has(id),
    })
  }
  return commits
}

function timeOf(seconds: string): string | null {
  const time = new Date(Number(seconds) * 1000)
  return Number.isNaN(time.getTime()) ? null : time.toISOString()
}

/** Returns one of the listed commits; refuses any other id, so that a reader sees nothing else of the repository. */
export function chooseCommit(commits: readonly Commit[], wanted: string): Commit {
  const found = commits.filter(
    ({ id }) => id === wanted || (wanted.length >= 4 && id.startsWith(wanted)),
  )
  const [first] = found
  if (first && found.length === 1) return first
  throw new UserError(`the session has no commit ${terminalLine(wanted, 60)}`, {
    hint: 'give the beginning of an id that review lists',
    exitCode: 2,
  })
}

/** A file that a commit changes. `path` is decoded by `nameOfBytes`. */
export type CommitFile = {
  path: string
  kind: 'added' | 'modified' | 'deleted'
  /** Modes of git, such as `100644`; null where the file is missing. */
  before: string | null
  after: string | null
  /** Id of the new content. */
  blob: string
  /** Lines; null for a binary file. */
  insertions: number | null
  deletions: number | null
}
