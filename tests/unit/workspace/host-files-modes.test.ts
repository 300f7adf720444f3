import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readFolderUpTo } from '../../../src/files/byte-names.ts'
import { settleModes } from '../../../src/stack/loose-modes.ts'
import { openClosedFolder } from '../../../src/workspace/host-files/closed-folders.ts'
import { clearSetuid, findLooseModes } from '../../../src/workspace/host-files/modes.ts'
import { deepFolder } from '../../support/deep-folder.ts'
import { reachable } from '../../support/reachable-folder.ts'

const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8)

t.test('bits that the agent set are taken off and told, and others are not touched', async t => {
  const root = t.testdir({ mine: '', kept: '', a: {}, '.git': { x: '' }, node_modules: { y: '' } })
  await chmod(join(root, 'mine'), 0o4755)
  await chmod(join(root, 'kept'), 0o666)
  await chmod(join(root, 'a'), 0o2775)
  await new Promise(resolve => setTimeout(resolve, 20))
  const since = Date.now()
  await new Promise(resolve => setTimeout(resolve, 20))
  await writeFile(join(root, 'a/\u001b[2Jrun'), '')
  await chmod(join(root, 'a/\u001b[2Jrun'), 0o4711)
  await chmod(join(root, '.git/x'), 0o6000)
  await chmod(join(root, 'node_modules/y'), 0o2755)
  await mkdir(join(root, 'open'))
  await chmod(join(root, 'open'), 0o777)
  await mkdir(join(root, 'sticky'))
  await chmod(join(root, 'sticky'), 0o1777)
  await symlink('mine', join(root, 'link'))
  const lines = await settleModes({ roots: [root], since })
  t.same(lines, [
    `took the setuid and setgid bits off ${root}/.git/x, ${root}/a/run, ${root}/node_modules/y`,
    `every user of this machine may write ${root}/open: run chmod o-w`,
  ])
  t.equal(await modeOf(join(root, 'a/\u001b[2Jrun')), '711')
  t.equal(await modeOf(join(root, '.git/x')), '0')
  t.equal(await modeOf(join(root, 'node_modules/y')), '755')
  t.equal(await modeOf(join(root, 'mine')), '4755', 'from before the start')
  t.equal(await modeOf(join(root, 'a')), '2775', 'a folder that passes its group on')
  t.same((await settleModes({ roots: [root], since })).length, 1, 'told again while it is there')
})

t.test('where every user may write anyway, only setuid bits are told', async t => {
  const root = t.testdir({ x: '', y: '' })
  await chmod(root, 0o777)
  await chmod(join(root, 'x'), 0o666)
  await chmod(join(root, 'y'), 0o2644)
  t.match(await findLooseModes(root, 0), { setuid: ['y'], writable: [], cutOff: null })
})

t.test(
  'a link in the place of a file or a folder, and a pipe, keep their targets as they are',
  async t => {
    const folder = t.testdir({ work: { sub: { x: '' } }, outside: { x: '' } })
    const [work, outside] = [join(folder, 'work'), join(folder, 'outside/x')]
    await chmod(outside, 0o4755)
    await symlink('../outside/x', join(work, 'link'))
    t.equal(await clearSetuid(work, 'link'), false)
    await rename(join(work, 'sub'), join(work, 'kept'))
    await symlink('../outside', join(work, 'sub'))
    t.equal(await clearSetuid(work, 'sub/x'), false)
    execFileSync('mkfifo', [join(work, 'pipe')])
    await chmod(join(work, 'pipe'), 0o4666)
    t.equal(await clearSetuid(work, 'pipe'), false)
    t.equal(await clearSetuid(work, '../outside/x'), false)
    t.equal(await modeOf(outside), '4755')
  },
)

t.test('a folder with too many files says so', async t => {
  const root = t.testdir({ a: { x: '' }, b: { y: '' } })
  const found = await findLooseModes(root, 0, { entries: 1, milliseconds: 60_000 })
  t.match(found.cutOff, /more than 1 files/)
  t.match(await settleModes({ roots: [join(root, 'gone')], since: 0 }), [])
})

/** Runs `body` as an ordinary user, who gets the folder: root may enter every folder. */
async function asOwner<T>(root: string, body: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return body()
  if (root !== '') execFileSync('chown', ['-R', '65534', root])
  process.seteuid?.(65_534)
  try {
    return await body()
  } finally {
    process.seteuid?.(0)
  }
}

t.test('a folder that the agent closed to its owner hides nothing', async t => {
  const root = await reachable(
    t,
    t.testdir({ shut: { inner: { run: '' } }, entered: { run: '' }, own: { x: '' } }),
  )
  await chmod(join(root, 'own'), 0o300)
  await asOwner(root, async () => {
    await new Promise(resolve => setTimeout(resolve, 20))
    const since = Date.now()
    await new Promise(resolve => setTimeout(resolve, 20))
    for (const path of ['shut/inner/run', 'entered/run']) await chmod(join(root, path), 0o4755)
    // Another user runs a program whose name he knows; with the second mode he also lists the folder.
    await chmod(join(root, 'shut/inner'), 0o111)
    await chmod(join(root, 'shut'), 0o011)
    await chmod(join(root, 'entered'), 0o455)
    await chmod(root, 0o311)
    t.match(
      await findLooseModes(root, since),
      { closed: [''], setuid: [] },
      'looking changes nothing',
    )
    const lines = await settleModes({ roots: [root], since })
    t.same(lines, [
      `opened ${root}, ${root}/entered, ${root}/shut, ${root}/shut/inner, which the agent had closed to you`,
      `took the setuid and setgid bits off ${root}/entered/run, ${root}/shut/inner/run`,
      `not all files were checked for setuid bits: you cannot read the folder own`,
    ])
    t.equal(await modeOf(join(root, 'shut/inner/run')), '755')
    t.equal(await modeOf(join(root, 'shut')), '711')
    t.equal(await modeOf(join(root, 'own')), '300', 'a folder of the user stays as it was')
  })
})

t.test('in the folder of another user, what the agent closed is named', async t => {
  if (process.getuid?.() !== 0) return void t.pass('only root gives a folder to another user')
  const root = await reachable(t, t.testdir({ shut: { run: '' }, listed: { run: '' }, data: {} }))
  execFileSync('chown', ['-R', '65533', root])
  // As a database beside the agent has one.
  execFileSync('chown', ['65532', join(root, 'data')])
  await chmod(join(root, 'data'), 0o700)
  const cutOff = () => asOwner('', async () => (await findLooseModes(root, 0)).cutOff)
  t.equal(await cutOff(), null)
  for (const [name, mode] of [
    ['shut', 0o711],
    ['listed', 0o744],
  ] as const) {
    await chmod(join(root, name), mode)
    t.equal(await cutOff(), `you cannot read the folder ${name}`)
    await chmod(join(root, name), 0o755)
  }
})

t.test('a link in the place of a closed folder leads nowhere', async t => {
  const folder = await reachable(t, t.testdir({ work: {}, outside: {} }))
  await chmod(join(folder, 'outside'), 0o111)
  await symlink('../outside', join(folder, 'work/sub'))
  await symlink('work', join(folder, 'linked'))
  await asOwner(folder, async () => {
    t.equal(await openClosedFolder(join(folder, 'work'), 'sub'), false)
    t.equal(await openClosedFolder(join(folder, 'linked'), ''), false)
    t.equal(await openClosedFolder(join(folder, 'work'), '../outside'), false)
  })
  t.equal(await modeOf(join(folder, 'outside')), '111')
})

t.test('a file deeper than any path reaches loses its bits too', async t => {
  const root = t.testdir({})
  deepFolder(root, 'cp /bin/true run; chmod 6755 run')
  const lines = await settleModes({ roots: [root], since: 0 })
  t.match(lines[0], /^took the setuid and setgid bits off /)
  const found = execFileSync('find', [root, '-name', 'run', '-perm', '/6000'], { encoding: 'utf8' })
  t.equal(found, '')
  // The removal of the test's folder uses whole paths.
  execFileSync('rm', ['-r', join(root, 'd'.repeat(200))])
})

t.test('root leaves a file of another user than the folder as it is', async t => {
  const root = t.testdir({ x: '' })
  await chmod(join(root, 'x'), 0o4755)
  if (process.getuid?.() !== 0) return void t.pass('only root changes files of others')
  execFileSync('chown', ['65534', root])
  t.equal(await clearSetuid(root, 'x'), false, 'such as a hard link to a program of the system')
  t.equal(await modeOf(join(root, 'x')), '4755')
})

t.test('a folder with more names than the bound is not read to its end', async t => {
  const root = t.testdir(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${n}`, ''])))
  const found = await findLooseModes(root, 0, { entries: 20, milliseconds: 60_000 })
  t.match(found.cutOff, /more than 20 files/)
  t.equal(readFolderUpTo(root, 7).length, 7)
})
