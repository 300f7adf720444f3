import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { safeRelativePath } from '../../files/beneath.ts'
import type { Entry } from './entry.ts'
import { readTarEntries, type TarEntry } from './tar-entries.ts'

export type CopiedItem = {
  path: string
  entry: Entry
  /** The content, if it was requested in memory and is within the limit. */
  content?: Buffer
  /** The file with the content, if it was requested as a file and is within the limit. */
  file?: string
}

/** Where to keep the content of a file, which is always hashed. */
export type Keep = { kind: 'memory'; limit: number } | { kind: 'file'; path: string; limit: number }

/** Maximum entries and bytes of one copy: a sparse file counts with its full size. */
const bounds = { entries: 2_000_000, bytes: 512 * 1024 ** 3 }

/** Prefix of every name: the engine adds the name of the requested folder. */
const folder = 'workspace/'

/**
 * The archive is incomplete, although the engine sent it to its end: a file that shrinks while the engine
 * reads it ends the archive there.
 */
export class IncompleteCopy extends Error {
  readonly path: string
  constructor(path: string, cause: unknown) {
    super(`the archive of the copy ends in ${path}`, { cause })
    this.path = path
  }
}

/**
 * Reads the tar stream of a copy, entry by entry, and unpacks nothing onto the host. Skips devices,
 * pipes, sockets and paths that could leave the folder.
 */
export async function* readCopy(
  tar: Readable,
  keep: (path: string) => Keep | null,
  /** Throws for a file that must not be read. */
  check: (path: string, size: number) => void = () => {},
  /** Called with the bytes of each piece of a content: one file may take minutes. */
  onContent: (bytes: number) => void = () => {},
): AsyncGenerator<CopiedItem> {
  let sent = false
  let last = ''
  const seen = new Map<string, Entry>()
  let bytes = 0
  try {
    for await (const item of readTarEntries(chunks())) {
      last = item.name
      yield* readItem(item)
    }
  } catch (error) {
    if (!sent || error instanceof UserError) throw error
    throw new IncompleteCopy(insidePath(last) ?? last, error)
  }

  async function* chunks() {
    for await (const chunk of tar as AsyncIterable<Buffer>) yield chunk
    // Without its end mark, the files that are missing would count as deleted.
    sent = true
  }

  async function* readItem(item: TarEntry): AsyncGenerator<CopiedItem> {
    if (seen.size > bounds.entries) throw tooMany()
    const { name, type, linkname, mode, size } = item
    bytes += size
    if (bytes > bounds.bytes) throw tooLarge()
    const path = insidePath(name)
    if (path !== null && type === 'symlink') {
      const entry: Entry = { type: 'link', target: linkname }
      seen.set(path, entry)
      yield { path, entry }
    } else if (path !== null && type === 'file') {
      check(path, size)
      const { entry, kept } = await readFileItem(item, mode, keep(path), onContent)
      seen.set(path, entry)
      yield { path, entry, ...kept }
    } else if (path !== null && type === 'link') {
      // A hard link to an earlier file.
      const entry = seen.get(insidePath(linkname) ?? '')
      if (entry) yield { path, entry }
    }
  }
}

function insidePath(name: string): string | null {
  return name.startsWith(folder)
    ? safeRelativePath(name.slice(folder.length).replace(/\/$/, ''))
    : null
}

async function readFileItem(
  item: TarEntry,
  mode: number,
  keep: Keep | null,
  onContent: (bytes: number) => void,
) {
  const hash = createHash('sha256')
  const chunks: Buffer[] = []
  const file = keep?.kind === 'file' ? await open(keep.path, 'wx', 0o600) : null
  let size = 0
  try {
    for await (const chunk of item.content()) {
      hash.update(chunk)
      size += chunk.length
      onContent(chunk.length)
      if (!keep || size > keep.limit) continue
      if (file) await file.writeFile(chunk)
      else chunks.push(chunk)
    }
  } finally {
    await file?.close()
  }
  const executable = (mode & 0o100) !== 0
  const entry: Entry = { type: 'file', sha256: hash.digest('hex'), executable, size }
  if (!keep || size > keep.limit) return { entry, kept: {} }
  return {
    entry,
    kept: keep.kind === 'file' ? { file: keep.path } : { content: Buffer.concat(chunks) },
  }
}

function tooLarge() {
  return new UserError(`the copy is larger than ${bounds.bytes / 1024 ** 3} GiB`, {
    hint: `run ${command('shell')} and remove files that the agent created`,
  })
}

function tooMany() {
  return new UserError(`the copy has more than ${bounds.entries} files`, {
    hint: `run ${command('shell')} and remove files that the agent created`,
  })
}
