import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { openRegularFile } from '../../files/regular-file.ts'
import type { IgnoreRules } from '../ignore/rules.ts'
import type { Tree } from './entry.ts'
import { type HostItem, type Selection, walkHost } from './read-host.ts'

/** The packed tree, and the paths that were left out. */
export type Packed = { tree: Tree; leftOut: string[]; rules: IgnoreRules }

/**
 * Returns the folder as a tar stream owned by `owner`, and the tree of its content, hashed while it is
 * packed: a file that changes meanwhile cannot make the two differ.
 */
export function packWorkspace(
  root: string,
  owner: { uid: number; gid: number },
  selection: Selection = {},
) {
  const tar = pack()
  const { items, rules } = walkHost(root, selection)
  const packed = fill(tar, items, root, owner).then(
    (filled): Packed => ({ ...filled, rules: rules() }),
    error => {
      tar.destroy(error instanceof Error ? error : new Error(String(error)))
      throw error
    },
  )
  // The caller that awaits `packed` handles the error; it must not count as unhandled before that.
  packed.catch(() => {})
  return { tar, packed }
}

async function fill(
  tar: Pack,
  items: AsyncIterable<HostItem>,
  root: string,
  owner: { uid: number; gid: number },
): Promise<Omit<Packed, 'rules'>> {
  const place = await realpath(root)
  const tree: Tree = new Map()
  const leftOut: string[] = []
  for await (const item of items) {
    const header = { name: item.path, ...owner }
    if (item.kind === 'left-out') leftOut.push(item.path)
    else if (item.kind === 'folder') {
      await entry(tar, { ...header, type: 'directory', mode: 0o755 })
    } else if (item.kind === 'link') {
      await entry(tar, { ...header, type: 'symlink', linkname: item.target })
      tree.set(item.path, { type: 'link', target: item.target })
    } else {
      const { size, executable } = item
      const hash = createHash('sha256')
      const mode = executable ? 0o755 : 0o644
      await fileEntry(tar, { ...header, mode, size }, join(place, item.path), hash)
      tree.set(item.path, { type: 'file', sha256: hash.digest('hex'), executable, size })
    }
  }
  tar.finalize()
  return { tree, leftOut }
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
  const copy = async () => {
    const file = await openInPlace(path)
    await new Promise<void>((resolve, reject) => {
      const sink = tar.entry(header, error => (error ? reject(error) : resolve()))
      // Truncated to the size in the header: a log may grow while it is copied.
      const source = file.createReadStream({ end: header.size - 1 })
      source.on('data', chunk => hash.update(Buffer.from(chunk)))
      pipeline(source, sink).catch(reject)
    })
  }
  await copy().catch(error => {
    throw new UserError(`cannot copy ${terminalLine(path)}: ${error.message}`, {
      hint: 'stop the program that writes it, or make it readable, then run the command again',
      cause: error,
    })
  })
}

/** Opens the file only at its real path: it, or a parent folder, may have become a symlink (threat H2). */
async function openInPlace(path: string) {
  const opened = await openRegularFile(path, { place: path })
  if (opened.kind === 'open') return opened.file
  throw new Error(opened.kind === 'missing' ? 'it disappeared' : 'it became a symlink')
}
