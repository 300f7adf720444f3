import { setImmediate } from 'node:timers/promises'
import { pack } from 'tar-stream'
import type { SystemPath } from '../../files/byte-names.ts'
import type { IgnoreRules } from '../ignore/rules.ts'
import type { Tree } from './entry.ts'
import { createEntryWriter, type EntryWriter, packedStream } from './entry-writer.ts'
import { isGitFolder, isGitPath } from './git-files.ts'
import { holdFile, isSparse, letGo, stampAt } from './read-file.ts'
import { type HostItem, type HostWalk, type Selection, walkHost } from './read-host.ts'
import type { Reader } from './reader.ts'

/** The packed tree, and the paths that are not in it. */
export type Packed = {
  tree: Tree
  leftOut: string[]
  /** Paths that disappeared or changed while they were read. */
  passedOver: string[]
  /** Files that are left out because they are sparse. */
  sparse: string[]
  /** Of those, files that are in the archive with mixed content: the caller removes them. */
  torn: string[]
  /** True when git changed its data all the time: commits may lack objects. */
  gitUnsettled: boolean
  bytes: number
  rules: IgnoreRules
}

/** Called after each file. */
export type Progress = (files: number, bytes: number) => void

/** Maximum readings of a file, or of git's data, that changes all the time. */
const attempts = 4

/** Milliseconds of synchronous work between two turns of signals and timers. */
const slice = 20

type Filling = Omit<Packed, 'rules' | 'torn'> & {
  entries: EntryWriter
  torn: Set<string>
  /** The state in which each file of git was packed; `folder` for its folders. */
  stamps: Map<string, string>
  progress: Progress
  reader?: Reader
  /** Time of the last turn. */
  rested: number
}

/**
 * Returns the folder as a tar stream owned by `owner`, and the tree of its content, hashed while it is
 * packed: a file that changes meanwhile cannot make the two differ.
 */
export function packWorkspace(
  root: string,
  owner: { uid: number; gid: number },
  { progress = () => {}, ...selection }: Selection & { progress?: Progress } = {},
) {
  const tar = pack()
  const walk = walkHost(root, selection)
  const filling: Filling = {
    ...{
      tree: new Map(),
      leftOut: [],
      passedOver: [],
      sparse: [],
      torn: new Set(),
      stamps: new Map(),
    },
    ...{ bytes: 0, gitUnsettled: false, rested: performance.now(), progress },
    ...(selection.reader && { reader: selection.reader }),
    entries: createEntryWriter(tar, owner),
  }
  return packedStream(tar, async (): Promise<Packed> => {
    await fill(filling, walk)
    const { tree, leftOut, passedOver, sparse, gitUnsettled, bytes } = filling
    const torn = [...filling.torn]
    return { tree, leftOut, passedOver, sparse, torn, gitUnsettled, bytes, rules: walk.rules() }
  })
}

async function fill(filling: Filling, walk: HostWalk) {
  const repositories: string[] = []
  for await (const item of walk.items) {
    if (item.kind === 'left-out') filling.leftOut.push(item.path)
    // Git's own files that disappear are in a pack by now; see `settleGit`.
    else if (!(await add(filling, item)) && !isGitPath(item.path)) {
      filling.passedOver.push(item.path)
    }
    if (item.kind === 'folder' && isGitFolder(item.path)) repositories.push(item.path)
  }
  for (const folder of repositories) {
    if (!(await settleGit(filling, walk, folder))) filling.gitUnsettled = true
  }
}

/**
 * Reads git's data until a reading finds nothing new. Git moves objects and references to a new file
 * before it removes the old ones (`git gc`, also in the background), so a single walk can pass the new
 * file before it exists, and the old ones after they are gone. Returns false when it did not settle.
 */
async function settleGit(filling: Filling, walk: HostWalk, folder: string) {
  for (let reading = 1; reading < attempts; reading++) {
    let changed = false
    for await (const item of walk.again(folder)) {
      if (item.kind === 'left-out' || isPacked(filling, item)) continue
      changed = true
      await add(filling, item)
    }
    if (!changed) return true
  }
  return false
}

function isPacked({ tree, stamps }: Filling, item: HostItem) {
  if (item.kind === 'folder') return stamps.get(item.path) === 'folder'
  if (item.kind === 'link') {
    const known = tree.get(item.path)
    return known?.type === 'link' && known.target === item.target
  }
  return item.kind === 'file' && stampAt(item.at) === stamps.get(item.path)
}

/** Packs an item; returns false when it has to be passed over. */
async function add(filling: Filling, item: HostItem): Promise<boolean> {
  const { entries, tree } = filling
  if (performance.now() - filling.rested > slice) {
    await setImmediate()
    filling.rested = performance.now()
  }
  switch (item.kind) {
    case 'left-out':
      return true
    case 'gone':
      return false
    case 'folder':
      await entries.folder(item.path)
      if (isGitPath(item.path)) filling.stamps.set(item.path, 'folder')
      return true
    case 'link':
      await entries.link(item.path, item.target)
      tree.set(item.path, { type: 'link', target: item.target })
      return true
    case 'file':
      return addFile(filling, item)
    default:
      return item satisfies never
  }
}

async function addFile(filling: Filling, { path, at }: { path: string; at: SystemPath }) {
  const { entries, tree, torn, stamps } = filling
  for (let reading = 1; reading <= attempts; reading++) {
    const file = holdFile(at, path, filling.reader)
    if (file === null) break
    try {
      if (isSparse(file)) {
        filling.leftOut.push(path)
        filling.sparse.push(path)
        return true
      }
      const { written, sha256 } = await entries.file(path, file)
      if (written === 'nothing') continue
      if (written === 'torn') {
        torn.add(path)
        continue
      }
      torn.delete(path)
      const { size, executable, stamp } = file
      const known = tree.get(path)
      filling.bytes += size - (known?.type === 'file' ? known.size : 0)
      tree.set(path, { type: 'file', sha256, executable, size })
      if (isGitPath(path)) stamps.set(path, stamp)
      filling.progress(tree.size, filling.bytes)
      return true
    } finally {
      letGo(file)
    }
  }
  return false
}
