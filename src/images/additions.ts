import { createHash } from 'node:crypto'
import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { ImageAdditions } from '../config/image-additions.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { isBelow } from '../files/within.ts'

/** A file that goes into the image: its name there, and where it really lies. */
export type AdditionFile = { path: string; source: string; stats: Stats }

export type AdditionFiles = {
  /** In the order in which they run. */
  scripts: AdditionFile[]
  /** The Dockerfile and what lies beside it; null without one. */
  context: AdditionFile[] | null
}

/** A folder that holds more is one that was named by mistake, such as a home. */
const most = { files: 1000, bytes: 64 * 1024 * 1024 }

/**
 * Finds what of the user's own goes into the image, and reads none of it. A link must lead to a file of
 * the same folder: a build must not take in what a name does not show.
 */
export function listAdditions(additions: Omit<ImageAdditions, 'packages'>): AdditionFiles {
  const { scripts, dockerfile, named, without } = additions
  const found = statSync(dockerfile, { throwIfNoEntry: false })?.isFile() ?? false
  if (named && !found) {
    throw new UserError(`DOCKERFILE=${terminalLine(dockerfile)} is no file`, {
      hint: 'name a Dockerfile in .env, or remove DOCKERFILE from it',
    })
  }
  const isScript = ({ name }: Dirent) => name.endsWith('.sh') && !name.startsWith('.')
  return {
    scripts: list(scripts, entry => !entry.isDirectory() && isScript(entry)),
    context: found ? list(dirname(dockerfile), ({ name }) => !without.includes(name)) : null,
  }
}

/** The files below `folder`; `wanted` is asked of its own entries. */
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
        hint: `give the ${path.endsWith('.sh') ? 'scripts' : 'Dockerfile'} a folder with only what the image needs`,
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
      hint: `put the file itself into ${terminalLine(basename(root))}, or take it out`,
    })
  let source: string
  try {
    source = realpathSync(join(root, path))
  } catch {
    throw refused('leads nowhere')
  }
  if (!isBelow(root, source)) throw refused('is a link out of its folder')
  const stats = statSync(source)
  if (!stats.isFile()) throw refused('is not a regular file')
  return { path, source, stats }
}

type Content = { path: string; executable: boolean; content: Buffer }

/** What the user adds, as it was read once: what is built is what its tag names. */
export type Additions = {
  packages: readonly string[]
  scripts: readonly Content[]
  dockerfile: { name: string; context: readonly Content[] } | null
}

/** Null when nothing is added. */
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

/** A name for the files' bytes and modes. */
export function hashContents(files: readonly Content[]): string {
  const hash = createHash('sha256')
  for (const { path, executable, content } of files) {
    hash.update(JSON.stringify([path, executable, content.length]))
    hash.update(content)
  }
  return hash.digest('hex')
}

/** Modes as the image shall have them, whatever the umask of whoever builds is. */
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

/** Reads no more than was listed: a file can change after the look at it. */
async function read({ path, source, stats }: AdditionFile): Promise<Content> {
  const file = await readRegularFile(source, { limit: stats.size, part: 'head' })
  if (file.kind === 'bytes') {
    return { path, executable: (stats.mode & 0o100) !== 0, content: file.bytes }
  }
  throw new UserError(`cannot read ${terminalLine(source)}: it changed or disappeared`, {
    hint: 'close the program that writes it, then run the command again',
  })
}

/** On another base there is no Claude Code, and nothing of what confines it. */
function refuseOtherBase(text: string, path: string) {
  if (/^\s*FROM\s+(--platform=\S+\s+)?("?)\$(CLAUDE|\{CLAUDE\})\2(\s|$)/im.test(text)) return
  throw new UserError(`${terminalLine(path)} does not build on the agent's image`, {
    hint: 'begin it with two lines: ARG CLAUDE, and FROM $' + '{CLAUDE}',
  })
}
