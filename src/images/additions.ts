import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { ImageAdditions } from '../config/image-additions.ts'
import { isBelow } from '../files/beneath.ts'
import { readRegularFile } from '../files/regular-file.ts'

/** A file that goes into the image: its path there, and its real path on the host. */
export type AdditionFile = { path: string; source: string; stats: Stats }

export type AdditionFiles = {
  /** In the order in which they run. */
  scripts: AdditionFile[]
  /** The Dockerfile and the files beside it; null without one. */
  context: AdditionFile[] | null
}

/** Limits: a larger folder was probably named by mistake, such as a home folder. */
const most = { files: 1000, bytes: 64 * 1024 * 1024 }

/**
 * Lists the user's files that go into the image, without reading them. A symlink must lead to a
 * file in the same folder, so that a build takes in no file from elsewhere.
 */
export function listAdditions(additions: Omit<ImageAdditions, 'packages'>): AdditionFiles {
  const { scripts, dockerfile, named, without } = additions
  const found = statSync(dockerfile, { throwIfNoEntry: false })?.isFile() ?? false
  if (named && !found) {
    throw new UserError(`DOCKERFILE=${terminalLine(dockerfile)} is not a file`, {
      hint: 'name a Dockerfile in .env, or remove DOCKERFILE from it',
    })
  }
  const isScript = ({ name }: Dirent) => name.endsWith('.sh') && !name.startsWith('.')
  return {
    scripts: list(scripts, entry => !entry.isDirectory() && isScript(entry)),
    context: found ? list(dirname(dockerfile), ({ name }) => !without.includes(name)) : null,
  }
}

/** Returns the files below `folder`; `wanted` filters its direct entries. */
function list(folder: string, wanted: (entry: Dirent) => boolean): AdditionFile[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return []
  const root = realpathSync(folder)
  const files: AdditionFile[] = []
  let bytes = 0
  const add = (path: string, file: AdditionFile) => {
    files.push(file)
    bytes += file.stats.size
    if (files.length <= most.files && bytes <= most.bytes) return
    throw new UserError(
      `${terminalLine(folder)} holds more than ${most.files} files or ${most.bytes / 1024 ** 2} MiB`,
      {
        hint: `move the ${path.endsWith('.sh') ? 'scripts' : 'Dockerfile'} to a folder that has only files for the image`,
      },
    )
  }
  const walk = (below: string) => {
    const entries = readdirSync(join(root, below), { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (below === '' && !wanted(entry)) continue
      const path = join(below, entry.name)
      if (entry.isDirectory()) walk(path)
      else add(path, resolve(root, path))
    }
  }
  walk('')
  return files
}

function resolve(root: string, path: string): AdditionFile {
  const refused = (reason: string) =>
    new UserError(`${terminalLine(join(root, path))} ${reason}`, {
      hint: `put a regular file into ${terminalLine(basename(root))} instead, or remove it`,
    })
  let source: string
  try {
    source = realpathSync(join(root, path))
  } catch {
    throw refused('is a dangling symlink')
  }
  if (!isBelow(root, source)) throw refused('is a symlink that leaves its folder')
  const stats = statSync(source)
  if (!stats.isFile()) throw refused('is not a regular file')
  return { path, source, stats }
}

export type Content = { path: string; executable: boolean; content: Buffer }

/** The user's additions, read once: the build has the content that its tag names. */
export type Additions = {
  packages: readonly string[]
  scripts: readonly Content[]
  dockerfile: { name: string; context: readonly Content[] } | null
}

/** Returns null when the user adds nothing. */
export async function readAdditions(additions: ImageAdditions): Promise<Additions | null> {
  const { packages } = additions
  const listed = listAdditions(additions)
  const [scripts, context] = await Promise.all([
    Promise.all(listed.scripts.map(read)),
    listed.context && Promise.all(listed.context.map(read)),
  ])
  if (packages.length + scripts.length === 0 && !context) return null
  const name = basename(additions.dockerfile)
  const text = context?.find(({ path }) => path === name)?.content.toString()
  if (text !== undefined) refuseOtherBase(text, additions.dockerfile)
  return { packages, scripts, dockerfile: context && { name, context } }
}

/** Reads all files of a folder that becomes the context of a build. */
export function readFolder(folder: string): Promise<Content[]> {
  return Promise.all(list(folder, () => true).map(read))
}

/** Returns a hash of the files' paths, bytes and executable bits. */
export function hashContents(files: readonly Content[]): string {
  // Loaded on demand: a session that is attached again only lists the files.
  const { createHash } = process.getBuiltinModule('node:crypto')
  const hash = createHash('sha256')
  for (const { path, executable, content } of files) {
    hash.update(JSON.stringify([path, executable, content.length]))
    hash.update(content)
  }
  return hash.digest('hex')
}

/** Writes the files with the modes that the image needs, regardless of the umask. */
export async function writeContents(files: readonly Content[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
  for (const { path, executable, content } of files) {
    let parent = folder
    for (const part of dirname(path)
      .split('/')
      .filter(part => part !== '.')) {
      parent = join(parent, part)
      await mkdir(parent, { recursive: true })
      await chmod(parent, 0o755)
    }
    await writeFile(join(folder, path), content)
    await chmod(join(folder, path), executable ? 0o755 : 0o644)
  }
}

/** Reads at most the listed size: a file can change after it was listed. */
async function read({ path, source, stats }: AdditionFile): Promise<Content> {
  const file = await readRegularFile(source, { limit: stats.size, part: 'head' })
  if (file.kind === 'bytes') {
    return { path, executable: (stats.mode & 0o100) !== 0, content: file.bytes }
  }
  throw new UserError(`cannot read ${terminalLine(source)}: it changed or disappeared`, {
    hint: 'close the program that writes it, then run the command again',
  })
}

/** Refuses another base image: it has neither Claude Code nor its confinement. */
function refuseOtherBase(text: string, path: string) {
  if (/^\s*FROM\s+(--platform=\S+\s+)?("?)\$(CLAUDE|\{CLAUDE\})\2(\s|$)/im.test(text)) return
  throw new UserError(`${terminalLine(path)} does not build on the agent's image`, {
    hint: 'begin it with two lines: ARG CLAUDE, and FROM $' + '{CLAUDE}',
  })
}
