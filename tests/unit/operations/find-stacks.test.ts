import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { namedStack } from '../../../src/operations/find-stacks.ts'
import { folderStack } from '../../../src/stack/identity.ts'

t.test('a folder means its stack, also one that does not remember its folder', async t => {
  const folder = t.testdir()
  await mkdir(join(folder, 'app'))
  const stacks = [
    { stack: folderStack(join(folder, 'app')).name, workspace: null },
    { stack: 'claude-secure-app-00000000', workspace: '/elsewhere/app' },
    { stack: 'claude-secure-gone-00000001', workspace: '/gone' },
  ]
  t.equal(await namedStack(`${folder}/app/`, stacks), stacks[0])
  t.equal(await namedStack('/gone', stacks), stacks[2], 'a folder that is not there any more')
  await t.rejects(namedStack('app', stacks), { message: /could be 2 stacks/ })
  await t.rejects(namedStack(folder, stacks), { message: /no stack is called/ })
})
