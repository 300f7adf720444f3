// on disk: a folder below /dev is refused as a mount
import { join } from 'node:path'
import t from 'tap'
import { parseCustomMounts } from '../../../../src/config/custom-mounts.ts'
import { resolveMounts } from '../../../../src/stack/additions/declared-mounts.ts'

const resolve = (values: Record<string, string>) => resolveMounts(parseCustomMounts(values), [])

t.test('what is mounted is what a link leads to', async t => {
  const folder = t.testdir({ data: { deep: {} }, link: t.fixture('symlink', 'data') })
  t.same(await resolve({ A: `${folder}/link:/mnt/a:ro` }), [
    { source: join(folder, 'data'), target: '/mnt/a', writable: false },
  ])
})

t.test('a link to a refused place is that place', async t => {
  const folder = t.testdir({
    socket: t.fixture('symlink', '/var/run'),
    keys: { '.ssh': {} },
    link: t.fixture('symlink', 'keys/.ssh'),
  })
  await t.rejects(resolve({ A: `${folder}/socket:/mnt/a:ro` }), {
    message:
      /CLAUDE_MOUNT_A: \S+ cannot be given to the agent: it is or holds a part of the operating/,
  })
  await t.rejects(resolve({ A: `${folder}/link:/mnt/a:ro` }), { message: /credential store/ })
})

t.test('what is not there is an error, and never made by the engine', async t => {
  await t.rejects(resolve({ A: '/nowhere/at/all' }), { message: /cannot be mounted: ENOENT/ })
})

t.test('a mount is not looked up in a folder that the agent can write', async t => {
  const folder = t.testdir({ data: { deep: {} } })
  const values = { A: `${folder}/data:/mnt/a`, B: `${folder}/data/deep:/mnt/b` }
  await t.rejects(resolve(values), { message: /deep lies in .*data, which the agent can write/ })
  t.equal((await resolve({ ...values, A: `${folder}/data:/mnt/a:ro` })).length, 2)
})

t.test('every refused mount is named at once', async t => {
  await t.rejects(resolve({ A: '/nowhere/a:/mnt/a', B: '/etc:/mnt/b:ro' }), {
    message: /^2 errors: CLAUDE_MOUNT_A: .*ENOENT; CLAUDE_MOUNT_B: \/etc cannot be given/,
  })
})
