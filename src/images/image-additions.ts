import { createHash } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { ImageAdditions } from '../config/image-additions.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { type AdditionFile, listAdditions } from './addition-files.ts'

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
