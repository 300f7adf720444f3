import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t, { type Test } from 'tap'
import { extract } from 'tar-stream'
import { packWorkspace } from '../../../../src/workspace/copy/pack.ts'
import type { Reader } from '../../../../src/workspace/copy/reader.ts'
import { memoryFolder } from '../../../support/memory-folder.ts'

const owner = { uid: 1000, gid: 1000 }
const MiB = 1024 * 1024

/** A folder of its own: a second `t.testdir` of a test replaces the first. */
function scratch(t: Test, files: Record<string, string> = {}) {
  const folder = mkdtempSync(join(memoryFolder(), 'pack-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

/** Packs a folder; `listed` is called when a path was listed and before it is opened. */
function packing(root: string, listed: (path: string) => void = () => {}) {
  const isSecret = (path: string) => {
    listed(relative(root, path))
    return false
  }
  return packWorkspace(root, owner, { isSecret })
}

/** Unpacks as the engine does: a later entry of a path replaces the earlier one. */
async function unpacked(t: Test, { tar, packed }: ReturnType<typeof packWorkspace>) {
  const folder = scratch(t)
  const entries = extract()
  const done = pipeline(tar, entries)
  for await (const entry of entries) {
    const chunks: Buffer[] = []
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk)
    const { name, type, linkname } = entry.header
    const path = join(folder, name)
    if (type === 'directory') mkdirSync(path, { recursive: true })
    else rmSync(path, { force: true })
    if (type === 'symlink') symlinkSync(linkname ?? '', path)
    else if (type === 'file') writeFileSync(path, Buffer.concat(chunks))
  }
  await done
  return { folder, content: await packed }
}

t.test('what disappears or is replaced after it was listed is passed over and named', async t => {
  const root = t.testdir({
    'kept.txt': 'kept',
    'gone.txt': 'gone',
    'link.txt': 'now a symlink',
    'folder.txt': 'now a folder',
    'was-link': t.fixture('symlink', 'kept.txt'),
    'gone-folder': { a: 'a' },
    'swapped-folder': { a: 'a' },
  })
  const outside = scratch(t, { secret: 'of the host' })
  const changes: Record<string, (path: string) => void> = {
    'gone.txt': path => rmSync(path),
    'link.txt': path => {
      rmSync(path)
      symlinkSync(join(outside, 'secret'), path)
    },
    'folder.txt': path => {
      rmSync(path)
      mkdirSync(path)
    },
    'was-link': path => rmSync(path),
    'gone-folder': path => rmSync(path, { recursive: true }),
    'swapped-folder': path => {
      rmSync(path, { recursive: true })
      symlinkSync(outside, path)
    },
  }
  const { content } = await unpacked(
    t,
    packing(root, path => changes[path]?.(join(root, path))),
  )
  t.same([...content.tree.keys()], ['kept.txt'])
  t.same(content.passedOver.sort(), [
    'folder.txt',
    'gone-folder/',
    'gone.txt',
    'link.txt',
    'swapped-folder/',
    'was-link',
  ])
  t.match(content, { bytes: 4, torn: [], gitUnsettled: false })
})

t.test('a folder that is swapped while it is read still gives its own files', async t => {
  const root = t.testdir({ folder: { a: 'own', b: 'own' } })
  const outside = scratch(t, { a: 'of the host', b: 'of the host' })
  let swapped = false
  const { folder, content } = await unpacked(
    t,
    packing(root, path => {
      if (swapped || !path.startsWith('folder/')) return
      swapped = true
      renameSync(join(root, 'folder'), join(root, 'moved'))
      symlinkSync(outside, join(root, 'folder'))
    }),
  )
  t.ok(swapped)
  t.same([...content.tree.keys()].sort(), ['folder/a', 'folder/b'])
  t.equal(readFileSync(join(folder, 'folder/a'), 'utf8'), 'own')
})

/** Packs one large file, and changes it whenever a part of it was read. */
async function changing(t: Test, change: (path: string, part: number) => void) {
  const path = join(scratch(t), 'large')
  writeFileSync(path, Buffer.alloc(8 * MiB, 'a'))
  const { tar, packed } = packing(join(path, '..'))
  let part = 0
  async function* slowly() {
    for await (const chunk of tar) {
      change(path, part++)
      yield chunk
    }
  }
  const changed = { tar: Readable.from(slowly(), { objectMode: false }), packed }
  return { path, ...(await unpacked(t, changed)) }
}

t.test('a file that grows is copied up to its size at the beginning', async t => {
  const { folder, content } = await changing(t, path => appendFileSync(path, 'more'))
  t.equal(statSync(join(folder, 'large')).size, 8 * MiB)
  t.match(content, { passedOver: [], torn: [], bytes: 8 * MiB })
})

t.test('a file that shrinks is read again', async t => {
  const { path, folder, content } = await changing(t, (path, part) => {
    if (part === 0) truncateSync(path, 3 * MiB)
  })
  t.ok(readFileSync(join(folder, 'large')).equals(readFileSync(path)))
  t.match(content, { passedOver: [], torn: [], bytes: 3 * MiB })
  t.match(content.tree.get('large'), { size: 3 * MiB })
})

t.test('a file that changes during each reading is named, and is to be removed', async t => {
  const { content } = await changing(t, (path, part) => utimesSync(path, part + 1, part + 1))
  t.match(content, { passedOver: ['large'], torn: ['large'], bytes: 0 })
  t.notOk(content.tree.has('large'))
})

const git = (root: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: root, GIT_CONFIG_NOSYSTEM: '1' },
    encoding: 'utf8',
    stdio: 'pipe',
  })

t.test('git gc at any moment of the copy loses no commit and leaves no lock', async t => {
  const moments = [
    'HEAD',
    'config',
    'objects',
    'objects/info',
    'objects/pack',
    'refs',
    'refs/heads',
  ]
  // Copied for each moment: git starts a dozen programs for it.
  const template = scratch(t)
  git(template, 'init', '--quiet', '--initial-branch', 'main')
  for (let commit = 0; commit < 5; commit++) {
    writeFileSync(join(template, 'a.txt'), `${commit}`)
    git(template, 'add', 'a.txt')
    git(template, 'commit', '--quiet', '--message', `${commit}`)
  }
  git(template, 'branch', 'other')
  for (const moment of moments) {
    const root = scratch(t)
    cpSync(template, root, { recursive: true })
    writeFileSync(join(root, '.git/index.lock'), '')
    let collected = false
    const { folder, content } = await unpacked(
      t,
      packing(root, path => {
        if (collected || path !== `.git/${moment}`) return
        collected = true
        git(root, 'gc', '--quiet', '--prune=now')
      }),
    )
    t.ok(collected, `git gc ran when ${moment} was reached`)
    t.equal(git(folder, 'rev-parse', 'main', 'other'), git(root, 'rev-parse', 'main', 'other'))
    t.equal(git(folder, 'fsck', '--full', '--no-dangling', '--no-progress'), '', moment)
    git(folder, 'reset', '--hard', '--quiet')
    t.match(content, { passedOver: [], gitUnsettled: false }, moment)
    t.notOk(content.tree.has('.git/index.lock'))
  }
})

t.test('git data that changes during each reading is reported', async t => {
  const root = scratch(t, { 'a.txt': 'first' })
  git(root, 'init', '--quiet')
  let at = 0
  const { content } = await unpacked(
    t,
    packing(root, path => {
      if (path === '.git/HEAD') writeFileSync(join(root, '.git/packed-refs'), `# ${at++}\n`)
    }),
  )
  t.ok(content.gitUnsettled)
  t.same(content.passedOver, [])
})

t.test('symlinks are copied as symlinks, and the progress counts files and bytes', async t => {
  const root = t.testdir({ a: 'one', b: 'three', link: t.fixture('symlink', '/etc/passwd') })
  const seen: number[][] = []
  const packed = packWorkspace(root, owner, {
    progress: (files, bytes) => seen.push([files, bytes]),
  })
  const { folder } = await unpacked(t, packed)
  t.equal(readlinkSync(join(folder, 'link')), '/etc/passwd')
  t.equal(seen.length, 2)
  t.equal(seen.at(-1)?.[1], 8)
})

t.test('folders that git creates meanwhile are owned by the agent', async t => {
  const root = scratch(t, { 'a.txt': 'first' })
  git(root, 'init', '--quiet')
  let made = false
  const { tar, packed } = packing(root, path => {
    if (made || path !== '.git/objects/info') return
    made = true
    git(root, 'hash-object', '-w', 'a.txt')
  })
  const entries = extract()
  const done = pipeline(tar, entries)
  const folders = new Set<string>()
  for await (const entry of entries) {
    const { name, type, uid } = entry.header
    if (type === 'directory' && uid === owner.uid) folders.add(name.replace(/\/$/, ''))
    entry.resume()
  }
  await done
  const objects = [...(await packed).tree.keys()].filter(path => path.startsWith('.git/objects/'))
  t.equal(objects.length, 1)
  t.ok(objects.every(path => folders.has(path.slice(0, path.lastIndexOf('/')))))
})

t.test('an error of the walk ends the archive and the result', async t => {
  const root = scratch(t, { 'a.txt': 'first' })
  const { tar, packed } = packing(root, path => {
    if (path === 'a.txt') throw Object.assign(new Error('EIO: at a.txt'), { code: 'EIO' })
  })
  t.rejects(packed, { message: /EIO/ })
  await t.rejects(pipeline(tar, extract()), { message: /EIO/ })
})

t.test('a copy that root makes for another user holds only what that user can read', async t => {
  const modes: [string, number][] = [
    ['open.txt', 0o644],
    ['closed.txt', 0o600],
    ['of-the-group.txt', 0o640],
    ['not-for-the-group.txt', 0o604],
    ['open', 0o755],
    ['only-listed', 0o744],
    ['closed', 0o700],
  ]
  const root = scratch(t)
  for (const [name, mode] of modes) {
    const path = join(root, name)
    if (name.includes('.')) writeFileSync(path, name)
    else {
      mkdirSync(path)
      writeFileSync(join(path, 'inner'), 'readable by all')
      chmodSync(join(path, 'inner'), 0o644)
    }
    chmodSync(path, mode)
  }
  const { uid, gid } = statSync(root)
  const copied = async (reader: Reader) => {
    const { content } = await unpacked(t, packWorkspace(root, owner, { reader }))
    return { files: [...content.tree.keys()].sort(), leftOut: content.leftOut.sort() }
  }
  t.same(await copied({ uid: uid + 1, gids: [gid + 1] }), {
    files: ['not-for-the-group.txt', 'open.txt', 'open/inner'],
    leftOut: ['closed.txt', 'closed/', 'of-the-group.txt', 'only-listed/'],
  })
  t.same(await copied({ uid: uid + 1, gids: [gid] }), {
    files: ['of-the-group.txt', 'open.txt', 'open/inner'],
    leftOut: ['closed.txt', 'closed/', 'not-for-the-group.txt', 'only-listed/'],
  })
  const own = await copied({ uid, gids: [] })
  t.same(own.leftOut, [], 'the owner of a file can open it for itself')
  t.equal(own.files.length, 7)
})

t.test('a sparse file is left out and told: the copy would take its full size', async t => {
  const root = scratch(t, { 'a.txt': 'kept', 'disk.img': '' })
  truncateSync(join(root, 'disk.img'), 40 * 1024 ** 3)
  const { content } = await unpacked(t, packing(root))
  t.same([...content.tree.keys()], ['a.txt'])
  t.same([content.sparse, content.leftOut, content.passedOver], [['disk.img'], ['disk.img'], []])
})

t.test('only what git knows is packed when that is wanted', async t => {
  const root = scratch(t, {
    'a.txt': 'a',
    'untracked.txt': 'u',
    '.gitignore': 'ignored/\nforced.log\n',
  })
  const git = (folder: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder })
  for (const folder of ['src', 'new', 'ignored', 'module']) mkdirSync(join(root, folder))
  for (const path of ['src/b.txt', 'new/c.txt', 'ignored/d.txt', 'forced.log', 'module/e.txt']) {
    writeFileSync(join(root, path), path)
  }
  git(root, 'init', '--quiet')
  git(join(root, 'module'), 'init', '--quiet')
  git(join(root, 'module'), 'add', 'e.txt')
  git(join(root, 'module'), 'commit', '--quiet', '--message=inner')
  writeFileSync(join(root, 'module/untracked.txt'), 'u')
  git(root, 'add', '--force', 'a.txt', 'src', 'forced.log', 'module', '.gitignore')
  writeFileSync(join(root, 'a.txt'), 'changed, and not committed')
  const { tar, packed } = packWorkspace(root, owner, { trackedOnly: true })
  tar.resume()
  const { tree, leftOut } = await packed
  const outside = [...tree.keys()].filter(path => !/(^|\/)\.git\//.test(path)).sort()
  t.same(outside, ['.gitignore', 'a.txt', 'forced.log', 'module/e.txt', 'src/b.txt'])
  t.ok(tree.has('.git/HEAD'))
  t.ok(tree.has('module/.git/HEAD'))
  t.same(leftOut.sort(), ['ignored/', 'module/untracked.txt', 'new/', 'untracked.txt'])
})
