import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, mkdir, open, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { ImageAdditions } from '../config/image-additions.ts'
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

/** No more than was listed, and never a pipe: a file can be swapped while we look. */
async function read({ path, source, stats }: AdditionFile): Promise<Content> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  try {
    const file = await open(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      if (!(await file.stat()).isFile()) throw new Error('it is not a regular file')
      const buffer = Buffer.alloc(stats.size)
      const { bytesRead } = await file.read(buffer, 0, stats.size, 0)
      return {
        path,
        executable: (stats.mode & 0o100) !== 0,
        content: buffer.subarray(0, bytesRead),
      }
    } finally {
      await file.close()
    }
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? cause.code : cause
    throw new UserError(`cannot read ${terminalLine(source)}: ${reason}`, {
      hint: 'what goes into the image must be readable for you',
      cause,
    })
  }
}

/** On another base there is no Claude Code, and nothing of what confines it. */
function refuseOtherBase(text: string, path: string) {
  if (/^\s*FROM\s+(--platform=\S+\s+)?("?)\$(CLAUDE|\{CLAUDE\})\2(\s|$)/im.test(text)) return
  throw new UserError(`${terminalLine(path)} does not build on the agent's image`, {
    hint: 'begin it with two lines: ARG CLAUDE, and FROM $' + '{CLAUDE}',
  })
}
