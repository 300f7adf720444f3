import { UserError } from '../base/errors.ts'
import { visibleText } from '../base/terminal-text.ts'
import { nameOfBytes } from '../files/byte-names.ts'
import type { ClosedGit } from './closed-git.ts'
import { plainDiff } from './commit-files.ts'
import type { Commit } from './commits.ts'

/** A patch in git's form, with all hidden and control characters made visible. Still text: escape it for HTML. */
export type CommitDiff = { patch: string; truncated: boolean }

/** Bytes of a patch that are shown unless the caller says otherwise. */
export const patchBytes = 1024 * 1024

/** Reads the patch of a commit against its first parent, at most `limit` bytes of it. */
export async function diffCommit(
  git: Pick<ClosedGit, 'call'>,
  { id }: Pick<Commit, 'id'>,
  limit = patchBytes,
): Promise<CommitDiff> {
  return patchOf(git, [id], limit)
}

/** Reads the patch of all commits of a session together. */
export async function diffSession(
  git: ClosedGit,
  { base, tip }: { base: string | null; tip: string },
  limit = patchBytes,
): Promise<CommitDiff> {
  const from = base ?? (await emptyTree(git))
  return patchOf(git, [from, tip], limit)
}

/** A patch whose git gave up is one that is not shown to its end: an agent must not hide the rest behind a file. */
async function patchOf(
  git: Pick<ClosedGit, 'call'>,
  commits: readonly string[],
  limit: number,
): Promise<CommitDiff> {
  try {
    const { code, stdout, truncated } = await git.call(
      ['diff-tree', '-p', '--find-renames', '-l200', ...plainDiff, ...commits],
      { limit, timeout: 60_000 },
    )
    return render(stdout, truncated || code !== 0)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { patch: '', truncated: true }
  }
}

/** Returns the tree without files, which git knows without its object. */
export async function emptyTree(git: ClosedGit): Promise<string> {
  return (await git.ask(['hash-object', '-t', 'tree', '/dev/null'])) ?? ''
}

function render(bytes: Buffer, truncated: boolean): CommitDiff {
  // Whole lines only: a cut one could end in the middle of a character.
  const end = truncated ? bytes.lastIndexOf(0x0a) + 1 : bytes.length
  return { patch: visibleText(textOf(bytes.subarray(0, end))), truncated }
}

/** Decodes each line by itself: a line that is not UTF-8 takes longer. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString()
  if (!text.includes('\uFFFD')) return text
  const lines: string[] = []
  for (let from = 0; from <= bytes.length; ) {
    const end = bytes.indexOf(0x0a, from)
    const next = end < 0 ? bytes.length : end
    lines.push(nameOfBytes(bytes.subarray(from, next)))
    from = next + 1
  }
  return lines.join('\n')
}
