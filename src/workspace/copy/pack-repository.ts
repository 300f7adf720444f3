import { createHash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pack } from 'tar-stream'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { foldersOf } from '../../files/beneath.ts'
import { readFolderSync, systemPath } from '../../files/byte-names.ts'
import { openRegularFile, readRegularFile, textOf } from '../../files/regular-file.ts'
import type { Elsewhere } from '../repository/locate.ts'
import { findModules, modulesFolder } from '../repository/modules.ts'
import { renderRepositoryConfig } from '../repository/plan.ts'
import type { Tree } from './entry.ts'
import { createEntryWriter, type EntryWriter, packedStream } from './entry-writer.ts'
import { stampAt } from './read-file.ts'
import { mayRead, type Reader } from './reader.ts'

/** What all worktrees of a repository share. The rest of its folder is the main worktree's. */
const shared = new Set(
  'branches description hooks info lfs logs objects packed-refs refs shallow'.split(' '),
)

/** Parts of these that each worktree has of its own. */
const perWorktree = /^(logs\/HEAD|info\/sparse-checkout|refs\/(bisect|worktree|rewritten)(\/|$))/

/** Files by which git finds another folder, or which a running git holds; `config` is written by us. */
const pointers = /^(commondir|gitdir|locked|config|gc\.pid|(.*\/)?[^/]*\.lock)$/

/** Maximum bytes of a repository's configuration. */
const largestConfig = 1024 * 1024

/** Git moves objects to a new file before it removes the old ones: a later reading finds the new one. */
const readings = 2

/** A folder of the host, and the one below `.git` in which its files are in the copy. */
type Part = { root: string; at: string; wanted: (path: string) => boolean }
type Filling = {
  entries: EntryWriter
  tree: Tree
  folders: Set<string>
  reader: Reader | undefined
}

/**
 * Returns a repository outside the workspace as a tar stream that makes it the `.git` folder of a copy,
 * with the branch and the index of this worktree alone, and the tree of its content.
 */
export function packRepository(
  workspace: string,
  repository: Elsewhere,
  owner: { uid: number; gid: number },
  reader?: Reader,
) {
  const tar = pack()
  const entries = createEntryWriter(tar, owner)
  const filling: Filling = { entries, tree: new Map(), folders: new Set(), reader }
  return packedStream(tar, async () => {
    await fill(filling, workspace, repository)
    return filling.tree
  })
}

async function fill(filling: Filling, workspace: string, repository: Elsewhere) {
  const { common, worktree } = repository
  const parts = partsOf(common, worktree)
  await filling.entries.folder('.git')
  await text(filling, '.git/config', await configOf(common))
  for (const { name, checkout } of await findModules(workspace, repository)) {
    const at = `.git/modules/${name}`
    for (const folder of [...foldersOf(at), at]) await makeFolder(filling, folder)
    const root = join(modulesFolder(repository), name)
    await text(filling, `${at}/config`, await configOf(root, checkout))
    await text(filling, `${checkout}/.git`, `gitdir: ${relative(checkout, at)}\n`)
    parts.push({ root, at, wanted: isOwn })
  }
  for (let reading = 1; reading <= readings; reading++) {
    for (const part of parts) await walk(filling, part, '')
  }
}

/** Other worktrees stay on the host; submodules are parts of their own. */
function isOwn(path: string) {
  return !pointers.test(path) && !/^(worktrees|modules)(\/|$)/.test(path)
}

function partsOf(common: string, worktree: string | null): Part[] {
  const at = '.git'
  if (worktree === null) return [{ root: common, at, wanted: isOwn }]
  const isShared = (path: string) =>
    shared.has(path.split('/')[0] ?? '') && isOwn(path) && !perWorktree.test(path)
  return [
    { root: common, at, wanted: isShared },
    { root: join(common, 'worktrees', worktree), at, wanted: isOwn },
  ]
}

async function configOf(common: string, checkout?: string): Promise<string> {
  const path = join(common, 'config')
  const text = textOf(await readRegularFile(path, { limit: largestConfig }))
  if (text === null) {
    throw new UserError(`cannot copy ${terminalLine(path)}`, {
      hint: `make it a regular file of at most ${largestConfig} bytes`,
    })
  }
  return renderRepositoryConfig(text, checkout)
}

async function text({ entries, tree }: Filling, path: string, content: string) {
  const bytes = Buffer.from(content)
  await entries.content(path, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  tree.set(path, { type: 'file', sha256, executable: false, size: bytes.length })
}

async function makeFolder({ entries, folders }: Filling, name: string) {
  if (!folders.has(name)) await entries.folder(name)
  folders.add(name)
}

/** Packs the regular files of a folder; git makes no symlinks there. */
async function walk(filling: Filling, part: Part, inside: string) {
  // git removes empty folders of references and objects.
  for (const item of listFolder(join(part.root, inside))) {
    const path = inside === '' ? item.name : `${inside}/${item.name}`
    if (!part.wanted(path)) continue
    if (item.isDirectory()) {
      const status = await lstat(systemPath(join(part.root, path))).catch(() => null)
      if (!status || !mayRead(filling.reader, status)) continue
      await makeFolder(filling, `${part.at}/${path}`)
      await walk(filling, part, path)
    } else if (item.isFile()) await packFile(filling, `${part.at}/${path}`, join(part.root, path))
  }
}

function listFolder(path: string) {
  try {
    return readFolderSync(path)
  } catch {
    return []
  }
}

async function packFile({ entries, tree, reader }: Filling, path: string, from: string) {
  if (tree.has(path)) return
  // Only at its real path: a parent folder may have become a symlink (threat H2).
  const opened = await openRegularFile(systemPath(from), { place: from })
  if (opened.kind !== 'open') return
  try {
    const { size, mode } = opened.stats
    if (!mayRead(reader, opened.stats)) return
    const executable = (mode & 0o100) !== 0
    const held = {
      descriptor: opened.file.fd,
      size,
      executable,
      stamp: stampAt(systemPath(from)) ?? '',
    }
    const { written, sha256 } = await entries.file(path, held)
    // The next reading replaces a file that changed.
    if (written === 'whole') tree.set(path, { type: 'file', sha256, executable, size })
  } finally {
    await opened.file.close()
  }
}
