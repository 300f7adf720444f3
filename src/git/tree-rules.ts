import { UserError } from '../base/errors.ts'
import { nameOfBytes } from '../files/byte-names.ts'
import { displayPath } from '../workspace/copy/render-patch.ts'
import { foldedName } from '../workspace/folded-name.ts'
import type { ClosedGit } from './closed-git.ts'
import type { ReceiveLimits } from './receive-limits.ts'

/** A path that a commit changes. `before` and `after` are modes of git; `000000` where it is missing. */
export type RawChange = { path: string; before: string; after: string; blob: string }

/** Bytes of output that git may print about the commits of one delivery. */
const outputBytes = 32 * 1024 * 1024

/**
 * Refuses new commits that a host could not check out or should not hold: files that are too large, names that
 * no file can have, names that git takes for its own. `git index-pack --strict` has refused broken objects.
 *
 * @param host git in the user's repository, whose own objects do not count
 * @param range commits for `--stdin`, those of the host with a `^`
 */
export async function judgeCommits(
  git: ClosedGit,
  host: ClosedGit,
  range: string,
  limits: Pick<ReceiveLimits, 'commits' | 'paths' | 'file'>,
): Promise<void> {
  const listed = await git.need(
    'cannot list the commits',
    ['rev-list', `--max-count=${limits.commits + 1}`, '--stdin'],
    { input: Buffer.from(range) },
  )
  const commits = listed.toString().split('\n').filter(Boolean)
  if (commits.length > limits.commits) throw refused(`more than ${limits.commits} commits at once`)
  await judgeMessages(git, commits)
  const changes = await readRawChanges(git, commits)
  if (changes === null || changes.length > limits.paths) {
    throw refused(`more than ${limits.paths} changed paths at once`)
  }
  for (const { path } of changes) judgePath(path)
  await judgeSizes(git, host, changes, limits.file)
}

/** Bytes of one commit, most of which is its message. A review has room for a thousand. */
const commitBytes = 60_000

async function judgeMessages(git: ClosedGit, commits: readonly string[]) {
  if (commits.length === 0) return
  const listed = await git.need(
    'cannot measure the commits',
    ['cat-file', '--batch-check=%(objectname) %(objectsize)'],
    { input: Buffer.from(`${commits.join('\n')}\n`) },
  )
  for (const line of listed.toString().split('\n')) {
    const [id = '', size] = line.split(' ')
    if (!(Number(size) > commitBytes)) continue
    throw refused(`commit ${id.slice(0, 12)} has ${size} bytes, more than ${commitBytes}`)
  }
}

/** Lists what commits change against their first parents; null when that is too much. */
export async function readRawChanges(
  git: ClosedGit,
  commits: readonly string[],
): Promise<RawChange[] | null> {
  if (commits.length === 0) return []
  const { code, stdout, truncated } = await git.call(
    [
      ...['diff-tree', '--stdin', '-r', '-z', '--root', '--raw', '--no-commit-id', '--no-renames'],
      ...['--no-ext-diff', '--no-textconv', '--diff-merges=first-parent'],
    ],
    { input: Buffer.from(`${commits.join('\n')}\n`), limit: outputBytes },
  )
  if (truncated) return null
  if (code !== 0) throw refused('git cannot compare its commits')
  return parseRaw(stdout)
}

/** Parses `:100644 100644 OLD NEW M`, NUL, path, NUL. Paths are decoded by `nameOfBytes`. */
export function parseRaw(output: Buffer): RawChange[] {
  const changes: RawChange[] = []
  const parts = splitNul(output)
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [before, after, , blob] = (parts[at] ?? Buffer.alloc(0))
      .toString('latin1')
      .slice(1)
      .split(' ')
    const path = parts[at + 1]
    if (before === undefined || after === undefined || blob === undefined || !path) break
    changes.push({ path: nameOfBytes(path), before, after, blob })
  }
  return changes
}

/** Splits at each NUL, and drops what follows the last one. */
export function splitNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  let from = 0
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, from)) {
    parts.push(bytes.subarray(from, end))
    from = end + 1
  }
  return parts
}

/** Longest name of a file and longest path, in bytes, on Linux. */
const longest = { name: 255, path: 4095 }

function judgePath(path: string) {
  const parts = path.split('/')
  const bytes = Buffer.byteLength(path)
  if (bytes > longest.path || parts.some(part => Buffer.byteLength(part) > longest.name)) {
    throw refused(`the name ${displayPath(path.slice(0, 60))}… is too long for a file`)
  }
  if (parts.some(part => ['', '.', '..', '.git'].includes(foldedName(part)))) {
    throw refused(`${displayPath(path)} is a path of git itself`)
  }
}

async function judgeSizes(
  git: ClosedGit,
  host: ClosedGit,
  changes: readonly RawChange[],
  most: number,
) {
  const files = new Map(
    changes
      .filter(({ after }) => after.startsWith('100') || after === '120000')
      .map(({ blob, path }) => [blob, path]),
  )
  if (files.size === 0) return
  const listed = await git.need(
    'cannot measure the files',
    ['cat-file', '--batch-check=%(objectname) %(objectsize)'],
    { input: Buffer.from(`${[...files.keys()].join('\n')}\n`), limit: outputBytes },
  )
  for (const line of listed.toString().split('\n')) {
    const [blob = '', size] = line.split(' ')
    if (!(Number(size) > most)) continue
    // The user has such a file already.
    if ((await host.ask(['cat-file', '-t', blob])) !== null) continue
    const path = displayPath(files.get(blob) ?? blob)
    throw refused(`${path} has ${size} bytes, more than ${most / 1024 ** 2} MiB`)
  }
}

function refused(why: string) {
  return new UserError(`the commits of the container were refused: ${why}`, {
    hint: 'ask Claude to change them; they stay in the container until then',
  })
}
