import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { UserError } from '../../errors.ts'
import type { Entry } from './entry.ts'
import { safeRelativePath } from './relative-path.ts'

export type CopiedItem = {
  path: string
  entry: Entry
  /** The whole content; only for the paths that were asked for, and only up to `contentLimit`. */
  content?: Buffer
}

/** Entries that one copy may hold, and bytes of content kept in memory for one file. */
const bounds = { entries: 2_000_000, content: 64 * 1024 * 1024 }

/**
 * Reads the tar stream of a copy, entry by entry. Nothing is unpacked onto the host: paths that could
 * leave the folder, devices, pipes and sockets are passed over.
 */
export async function* readCopy(
  tar: Readable,
  wantsContent: (path: string) => boolean,
): AsyncGenerator<CopiedItem> {
  const entries = extract()
  tar.on('error', error => entries.destroy(error))
  tar.pipe(entries)
  let count = 0
  for await (const item of entries) {
    if (++count > bounds.entries) throw tooMany()
    const { name, type, linkname, mode = 0 } = item.header
    // The engine begins every name with that of the folder it was asked for.
    const path = safeRelativePath(name.slice(name.indexOf('/') + 1).replace(/\/$/, ''))
    if (path !== null && name.includes('/') && type === 'symlink') {
      yield { path, entry: { type: 'link', target: linkname ?? '' } }
    } else if (path !== null && name.includes('/') && type === 'file') {
      const hash = createHash('sha256')
      const kept: Buffer[] = []
      let size = 0
      const keep = wantsContent(path)
      for await (const chunk of item as AsyncIterable<Buffer>) {
        hash.update(chunk)
        size += chunk.length
        if (keep && size <= bounds.content) kept.push(chunk)
      }
      const executable = (mode & 0o100) !== 0
      yield {
        path,
        entry: { type: 'file', sha256: hash.digest('hex'), executable, size },
        ...(keep && size <= bounds.content && { content: Buffer.concat(kept) }),
      }
    }
    item.resume()
  }
}

function tooMany() {
  return new UserError(`the copy holds more than ${bounds.entries} files`, {
    hint: 'remove what the agent made too much of, with ./claude.ts shell',
  })
}
