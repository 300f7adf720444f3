import { visibleText } from '../base/terminal-text.ts'
import { hostProgramOf } from '../workspace/host-files/kinds.ts'
import { readBlobs } from './blobs.ts'
import type { ClosedGit } from './closed-git.ts'
import type { CommitFile } from './commits.ts'
import { findSecrets } from './secrets.ts'

/** Something in a commit that a person should look at before it is pushed or checked out. */
export type Finding = {
  kind:
    | 'secret'
    | 'host-file'
    | 'ci'
    | 'lock-file'
    | 'binary'
    | 'symlink'
    | 'submodule'
    | 'executable'
    | 'hidden-text'
    | 'unread'
  /** Decoded by `nameOfBytes`. */
  path: string
  /** What it means, in words; holds no text of the agent. */
  detail: string
  /** Line in the new file, from 1. */
  line?: number
}

const lockFiles = new Set(
  `package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb deno.lock cargo.lock
  poetry.lock uv.lock pdm.lock pipfile.lock composer.lock gemfile.lock go.sum mix.lock pubspec.lock flake.lock
  packages.lock.json gradle.lockfile podfile.lock package.resolved conan.lock`.split(/\s+/),
)

/** Bytes that are read to look for secrets: of one file, and of a commit. */
const readBytes = { file: 1024 * 1024, all: 16 * 1024 * 1024 }

/** Maximum number of findings of a commit, and of those in contents that are looked for. */
const mostFindings = 500

/** The order in which kinds take turns, and how many findings each has in a turn. */
const turns: readonly Finding['kind'][] = [
  ...(['secret', 'ci', 'host-file', 'executable', 'submodule', 'symlink'] as const),
  ...(['hidden-text', 'unread', 'lock-file', 'binary'] as const),
]
const perTurn = 5

/**
 * Looks at the names, modes and new contents of the files of a commit.
 *
 * @param more whether the commit has other files, which were not listed
 */
export async function findInCommit(
  git: ClosedGit,
  files: readonly CommitFile[],
  more = false,
): Promise<Finding[]> {
  const written = files.filter(({ kind }) => kind !== 'deleted')
  const named = written.flatMap(judgeFile)
  const inContents: Finding[] = []
  if (more)
    named.push({ kind: 'unread', path: '*', detail: 'the commit has more files than were read' })
  const regular = written.filter(({ after }) => after?.startsWith('100'))
  const contents = await readBlobs(git, [...new Set(regular.map(({ blob }) => blob))], readBytes)
  for (const { path, blob } of regular) {
    if (inContents.length >= mostFindings) break
    const content = contents.get(blob)
    if (content) inContents.push(...(await judgeContent(path, content)))
    else inContents.push({ kind: 'unread', path, detail: 'too large to be searched for secrets' })
  }
  return inTurns([...named, ...inContents]).slice(0, mostFindings)
}

/** Lets the kinds take turns: many of one kind, which an agent can make, must not hide another from a reader. */
function inTurns(found: readonly Finding[]): Finding[] {
  const counts = new Map<Finding['kind'], number>()
  const placed = found.map(finding => {
    const count = counts.get(finding.kind) ?? 0
    counts.set(finding.kind, count + 1)
    return {
      finding,
      turn: Math.floor(count / perTurn) * turns.length + turns.indexOf(finding.kind),
    }
  })
  return placed.sort((a, b) => a.turn - b.turn).map(({ finding }) => finding)
}

function judgeFile({ path, before, after, insertions }: CommitFile): Finding[] {
  const found: Finding[] = []
  const add = (kind: Finding['kind'], detail: string) => found.push({ kind, path, detail })
  const program = hostProgramOf(path)
  const name = path.split('/').at(-1)?.toLowerCase() ?? ''
  if (program?.program.startsWith('CI')) add('ci', 'your forge runs it after a push')
  else if (program) add('host-file', `${program.program} of your host: runs ${program.when}`)
  if (lockFiles.has(name)) add('lock-file', 'chooses the packages that an installation takes')
  if (after === '120000') add('symlink', 'is a symlink')
  if (after === '160000') add('submodule', 'names a commit of another repository')
  if (after === '100755' && before !== '100755') add('executable', 'became executable')
  if (after?.startsWith('100') && insertions === null) {
    add('binary', 'is binary: its content is not shown')
  }
  return found
}

async function judgeContent(path: string, content: Buffer): Promise<Finding[]> {
  if (content.includes(0)) return []
  const text = content.toString()
  const secrets = (await findSecrets(text)).map(
    ({ what, line }): Finding => ({ kind: 'secret', path, detail: `${what} in the file`, line }),
  )
  const hidden = text.split('\n').findIndex(line => visibleText(line) !== line)
  if (hidden < 0) return secrets
  const detail = 'has characters that an editor does not show'
  return [...secrets, { kind: 'hidden-text', path, detail, line: hidden + 1 }]
}
