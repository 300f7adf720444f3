import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { settleModes } from '../../../src/stack/loose-modes.ts'
import { clearSetuid, findLooseModes } from '../../../src/workspace/host-files/modes.ts'

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
