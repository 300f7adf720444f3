import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { enterWorkspace, workspaceVariable } from '../../../src/cli/workspace-variable.ts'

t.test('the newer name wins, and an empty one is none', async t => {
  t.equal(workspaceVariable({}), null)
  t.equal(workspaceVariable({ CLAUDEBOX_WORKSPACE: '' }), null)
  const both = { CLAUDE_WORKSPACE: '/old', CLAUDEBOX_WORKSPACE: '/new' }
  t.same(workspaceVariable(both), { name: 'CLAUDEBOX_WORKSPACE', folder: '/new' })
  t.same(workspaceVariable({ CLAUDE_WORKSPACE: '/old' }), {
    name: 'CLAUDE_WORKSPACE',
    folder: '/old',
  })
})

t.test('commands work in the named folder, and say so', async t => {
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  const folder = realpathSync(t.testdir({ file: '' }))
  const texts: string[] = []
  const log = (event: { kind: string; text?: string }) => void texts.push(event.text ?? '')
  enterWorkspace({}, log)
  t.equal(process.cwd(), before)
  enterWorkspace({ CLAUDEBOX_WORKSPACE: folder }, log)
  t.equal(process.cwd(), folder)
  t.same(texts, [`working in ${folder} (CLAUDEBOX_WORKSPACE)`])
  t.throws(() => enterWorkspace({ CLAUDE_WORKSPACE: 'here' }, log), {
    message: 'CLAUDE_WORKSPACE=here is not an absolute path',
    hint: /or unset it/,
  })
  t.throws(() => enterWorkspace({ CLAUDE_WORKSPACE: join(folder, 'file') }, log), {
    message: /^cannot enter CLAUDE_WORKSPACE=.*ENOTDIR/,
  })
})
