import { isObjectId } from '../repository.ts'
import { decodeName } from './kept-states.ts'

export type ReturnedFile = {
  path: string
  kind: 'added' | 'modified' | 'deleted'
  /** Lines; null for a binary file. */
  insertions: number | null
  deletions: number | null
}

export type MovedCommit = { id: string; subject: string }

/** What a return to a kept state would change in a copy. All names and texts are of the agent. */
export type PlannedReturn = {
  /** What was looked at, for the container: it refuses to return when the copy has changed since. */
  seen: string
  /** Number of changed files, and the first of them. */
  fileCount: number
  files: ReturnedFile[]
  /** The branch after and before the return, without `refs/heads/`; null for none. */
  branch: { after: string | null; before: string | null }
  /** Commits that leave the branch, and that come back to it; the counts are of all. */
  gone: { count: number; commits: MovedCommit[] }
  back: { count: number; commits: MovedCommit[] }
  /** Why the copy cannot return now, such as `a rebase`. */
  unfinished: string | null
  /** Files that no state has and that a return would write over. */
  inTheWay: string[]
  /** Some of the files that no state has: too large, no plain files, or of a repository of their own. */
  left: string[]
}

/** Maximum entries of a list; the container prints fewer. */
const most = 300

const kinds = { A: 'added', M: 'modified', T: 'modified', D: 'deleted' } as const

/** Reads the output of `claude-secure-turn … show`; null when it is not one. Leaves out lines of another form. */
export function parsePlannedReturn(output: string): PlannedReturn | null {
  const plan: PlannedReturn = {
    ...{ seen: '', fileCount: 0, files: [], branch: { after: null, before: null } },
    ...{ gone: { count: 0, commits: [] }, back: { count: 0, commits: [] } },
    ...{ unfinished: null, inTheWay: [], left: [] },
  }
  for (const line of output.split('\n')) readLine(plan, line)
  return plan.seen === '' ? null : plan
}

function readLine(plan: PlannedReturn, line: string) {
  const [word, ...values] = line.split(' ')
  const [first = '', second = '', third = '', fourth = ''] = values
  switch (word) {
    case 'seen':
      // An argument of the container's program later.
      if (/^[\w,%./+-]{1,2000}$/.test(first)) plan.seen = first
      return
    case 'files':
      plan.fileCount = count(first) ?? 0
      return
    case 'file': {
      const kind = Object.hasOwn(kinds, first) ? kinds[first as keyof typeof kinds] : 'modified'
      const [insertions, deletions] = [count(second), count(third)]
      add(plan.files, { path: decodeName(fourth), kind, insertions, deletions })
      return
    }
    case 'branch':
      plan.branch = { after: branchName(first), before: branchName(third) }
      return
    case 'gones':
    case 'backs':
      plan[word === 'gones' ? 'gone' : 'back'].count = count(first) ?? 0
      return
    case 'gone':
    case 'back':
      if (isObjectId(first)) add(plan[word].commits, { id: first, subject: decodeName(second) })
      return
    case 'unfinished':
      plan.unfinished = values.join(' ')
      return
    case 'way':
      add(plan.inTheWay, decodeName(first))
      return
    case 'left':
      add(plan.left, decodeName(first))
      return
    default:
  }
}

function add<T>(list: T[], entry: T) {
  if (list.length < most) list.push(entry)
}

function count(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null
}

function branchName(text: string): string | null {
  const name = decodeName(text)
  return name.startsWith('refs/heads/') ? name.slice('refs/heads/'.length) : null
}
