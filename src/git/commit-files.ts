import { nameOfBytes } from '../files/byte-names.ts'
import type { ClosedGit } from './closed-git.ts'
import type { Commit, CommitFile } from './commits.ts'
import { splitNul } from './tree-rules.ts'

/** Options by which no commit chooses how it is shown: no driver, no attribute, the first parent of a merge. */
export const plainDiff = [
  ...['--no-ext-diff', '--no-textconv', '--no-color', '--diff-merges=first-parent', '--root'],
  ...['--no-commit-id', '--submodule=short', '--ignore-submodules=none', '--no-indent-heuristic'],
  ...['--src-prefix=a/', '--dst-prefix=b/', '--diff-algorithm=myers'],
]

/** Maximum number of files that are listed. */
const mostFiles = 5_000

/** A commit's files, and whether there are more than are listed. */
export type CommitFiles = { files: CommitFile[]; more: boolean }

/** Lists the files that a commit changes against its first parent; a rename is a deleted and an added file. */
export async function readCommitFiles(
  git: Pick<ClosedGit, 'call'>,
  { id }: Pick<Commit, 'id'>,
): Promise<CommitFiles> {
  const { code, stdout, truncated } = await git.call(
    [
      'diff-tree',
      '-r',
      '-z',
      '--raw',
      '--no-abbrev',
      '--numstat',
      '--no-renames',
      ...plainDiff,
      id,
    ],
    { limit: 4 * 1024 * 1024 },
  )
  const files = parseFiles(stdout)
  return {
    files: files.slice(0, mostFiles),
    more: truncated || code !== 0 || files.length > mostFiles,
  }
}

/** Parses the raw lines, each followed by its path, and then the numbers, each with its path. */
export function parseFiles(output: Buffer): CommitFile[] {
  const files = new Map<string, CommitFile>()
  const parts = splitNul(output)
  let at = 0
  for (; at + 1 < parts.length && parts[at]?.[0] === 0x3a; at += 2) {
    const [before = '', after = '', , blob = ''] = (parts[at]?.toString('latin1') ?? '')
      .slice(1)
      .split(' ')
    const path = nameOfBytes(parts[at + 1] ?? Buffer.alloc(0))
    files.set(path, {
      path,
      kind: isNone(before) ? 'added' : isNone(after) ? 'deleted' : 'modified',
      before: isNone(before) ? null : before,
      after: isNone(after) ? null : after,
      blob,
      insertions: null,
      deletions: null,
    })
  }
  for (; at < parts.length; at++) {
    const bytes = parts[at] ?? Buffer.alloc(0)
    const first = bytes.indexOf(0x09)
    const second = bytes.indexOf(0x09, first + 1)
    const file = files.get(nameOfBytes(bytes.subarray(second + 1)))
    if (!file || first < 0 || second < 0) continue
    file.insertions = countOf(bytes.toString('latin1', 0, first))
    file.deletions = countOf(bytes.toString('latin1', first + 1, second))
  }
  return [...files.values()]
}

function isNone(mode: string) {
  return mode === '000000'
}

/** `-` is a binary file. */
function countOf(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null
}
