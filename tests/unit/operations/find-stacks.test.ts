import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { namedStack, runningStack } from '../../../src/operations/find-stacks.ts'
import { folderStack } from '../../../src/stack/identity.ts'
import type { ServiceState, StackState } from '../../../src/stack/inspect.ts'
import { collidingFolders } from '../../support/stack/colliding-folders.ts'

t.test('a folder finds its stack, even one that does not record its folder', async t => {
  const folder = t.testdir()
  await mkdir(join(folder, 'app'))
  const stacks = [
    { stack: folderStack(join(folder, 'app')).name, workspace: null },
    { stack: 'claude-secure-app-00000000', workspace: '/elsewhere/app' },
    { stack: 'claude-secure-gone-00000001', workspace: '/gone' },
  ]
  t.equal(await namedStack(`${folder}/app/`, stacks), stacks[0])
  t.equal(await namedStack('/gone', stacks), stacks[2], 'a folder that is not there any more')
  await t.rejects(namedStack('app', stacks), { message: /matches 2 stacks/ })
  await t.rejects(namedStack(folder, stacks), { message: /no stack is called/ })
})

t.test('a folder that is called like the id of another stack decides nothing', async t => {
  const here = process.cwd()
  t.teardown(() => process.chdir(here))
  process.chdir(t.testdir({ '0a1b2c3d': {}, '0a1b': {}, 'claude-secure-app-0a1b2c3d': {} }))
  const app = { stack: 'claude-secure-app-0a1b2c3d', workspace: '/home/me/app' }
  for (const recorded of [true, false]) {
    const named = (folder: string) => ({
      stack: folderStack(join(process.cwd(), folder)).name,
      workspace: recorded ? join(process.cwd(), folder) : null,
    })
    for (const folder of ['0a1b2c3d', '0a1b']) {
      const planted = named(folder)
      await t.rejects(namedStack(folder, [app, planted]), {
        message: /matches 2 stacks/,
        hint: `type ./${folder} for the folder, or a whole name: ${app.stack}, ${planted.stack}`,
      })
      t.equal(await namedStack(`./${folder}`, [app, planted]), planted)
      t.equal(await namedStack(planted.stack, [app, planted]), planted)
      t.equal(await namedStack(folder, [app]), app, 'a folder without a stack is not meant')
    }
    const whole = named(app.stack)
    t.equal(await namedStack(app.stack, [whole, app]), app, 'a whole name is the name')
    t.equal(await namedStack(`./${app.stack}`, [whole, app]), whole)
  }
})

t.test('attach opens the named stack, that of the folder, or the only one', async t => {
  const state = (folder: string, service: Partial<ServiceState>) =>
    ({
      stack: folderStack(folder).name,
      workspace: folder,
      services: [{ name: 'claude', state: 'running', ...service }],
    }) as StackState
  const one = state('/elsewhere/one', {})
  const two = state('/elsewhere/two', {})
  const here = state(process.cwd(), {})
  const exited = state('/elsewhere/exited', { state: 'exited' })
  t.equal(await runningStack('/elsewhere/two', [one, two, here]), two)
  t.equal(await runningStack(undefined, [one, here]), here)
  t.equal(await runningStack(undefined, [one, exited]), one)
  await t.rejects(runningStack(undefined, [one, two]), {
    message: /^nothing is running in /,
    hint: /^name one of these: .*elsewhere\/one, .*elsewhere\/two$/,
  })
  await t.rejects(runningStack(undefined, [exited]), { message: /^nothing is running in / })
  await t.rejects(runningStack('/elsewhere/exited', [one, exited]), {
    message: /^no running stack is called/,
    hint: /^running: /,
  })
  await t.rejects(runningStack('/elsewhere/exited', [exited]), {
    message: /^no running stack is called/,
    hint: /^no stack is running: /,
  })
})

t.test('a folder is not given the stack of another one that has its name', async t => {
  const [first, second] = collidingFolders(t.testdir())
  await mkdir(second, { recursive: true })
  const { name } = folderStack(first)
  t.equal(folderStack(second).name, name)
  const stacks = [{ stack: name, workspace: first }]
  await t.rejects(namedStack(second, stacks), { message: /no stack is called/ })
  t.equal(await namedStack(first, stacks), stacks[0])

  const before = process.cwd()
  process.chdir(second)
  t.teardown(() => process.chdir(before))
  const running = {
    stack: name,
    identity: folderStack(first),
    workspace: first,
    services: [{ name: 'claude', state: 'running' }],
  } as StackState
  await t.rejects(runningStack(undefined, [running]), { message: /have the same stack name/ })
})
