import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { UserError } from '../../errors.ts'
import { terminalLine } from '../../terminal-text.ts'
import type { Tree } from './entry.ts'
import { type HostItem, walkHost } from './read-host.ts'

/**
 * The folder as a tar stream that belongs to `owner`, and the tree of exactly what went into it,
 * hashed on the way: a file that changes meanwhile cannot make the two differ.
 */
export function packWorkspace(
  root: string,
  owner: { uid: number; gid: number },
  isLeftOut: (absolutePath: string) => boolean = () => false,
) {
  const tar = pack()
  const tree = fill(tar, walkHost(root, isLeftOut), root, owner).catch(error => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)))
    throw error
  })
  // Handled by whoever awaits the tree; the stream alone must not raise it a second time.
  tree.catch(() => {})
  return { tar, tree }
}

async function fill(
  tar: Pack,
  items: AsyncIterable<HostItem>,
  root: string,
  owner: { uid: number; gid: number },
): Promise<Tree> {
  const tree: Tree = new Map()
  for await (const item of items) {
    const header = { name: item.path, ...owner }
    if (item.kind === 'folder') {
      await entry(tar, { ...header, type: 'directory', mode: 0o755 })
    } else if (item.kind === 'link') {
      await entry(tar, { ...header, type: 'symlink', linkname: item.target })
      tree.set(item.path, { type: 'link', target: item.target })
    } else {
      const { size, executable } = item
      const hash = createHash('sha256')
      const mode = executable ? 0o755 : 0o644
      await fileEntry(tar, { ...header, mode, size }, join(root, item.path), hash)
      tree.set(item.path, { type: 'file', sha256: hash.digest('hex'), executable, size })
    }
  }
  tar.finalize()
  return tree
}

type Header = Parameters<Pack['entry']>[0]

function entry(tar: Pack, header: Header) {
  return new Promise<void>((resolve, reject) => {
    tar.entry(header, '', error => (error ? reject(error) : resolve()))
  })
}

async function fileEntry(
  tar: Pack,
  header: Header & { size: number },
  path: string,
  hash: { update(chunk: Buffer): unknown },
) {
  if (header.size === 0) return entry(tar, header)
  const written = new Promise<void>((resolve, reject) => {
    const sink = tar.entry(header, error => (error ? reject(error) : resolve()))
    // Cut to the size in the header: a log that grows meanwhile is copied as far as it was.
    const source = createReadStream(path, { end: header.size - 1 })
    source.on('data', chunk => hash.update(Buffer.from(chunk)))
    pipeline(source, sink).catch(reject)
  })
  await written.catch(error => {
    throw new UserError(`cannot copy ${terminalLine(path)}: ${error.message}`, {
      hint: 'the file changed or cannot be read: close what writes it, then run the command again',
      cause: error,
    })
  })
}
