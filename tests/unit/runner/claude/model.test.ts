import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { modelToLaunch, withoutInherited } from '../../../../src/runner/claude/model.ts'

function workspaceOf(folder: string) {
  const workspace = { path: join(folder, 'w'), home: join(folder, 'h'), key: 'k', temporary: '/t' }
  for (const root of [workspace.path, workspace.home]) {
    mkdirSync(join(root, '.claude'), { recursive: true })
  }
  return workspace
}

t.test('a resumed session has the model of a new one, unless another is asked for', async t => {
  const workspace = workspaceOf(t.testdir({}))
  t.equal(modelToLaunch(undefined, 'resume', workspace), 'default')
  t.equal(modelToLaunch('haiku', 'resume', workspace), 'haiku')
  t.equal(modelToLaunch('inherit', 'resume', workspace), undefined)
  t.equal(modelToLaunch(undefined, 'fresh', workspace), undefined)
  t.equal(modelToLaunch('haiku', 'fresh', workspace), 'haiku')
  t.equal(modelToLaunch('inherit', 'fresh', workspace), undefined)
})

t.test('that is the model of the settings, in the order of Claude Code', async t => {
  const workspace = workspaceOf(t.testdir({}))
  for (const [file, model] of [
    [join(workspace.home, '.claude/settings.json'), 'haiku'],
    [join(workspace.path, '.claude/settings.json'), 'sonnet[1m]'],
    [join(workspace.path, '.claude/settings.local.json'), 'claude-opus-5-5'],
  ] as const) {
    writeFileSync(file, JSON.stringify({ model, other: 1 }))
    t.equal(modelToLaunch(undefined, 'resume', workspace), model)
  }
})

t.test('settings of an agent become no option and block nothing', async t => {
  const workspace = workspaceOf(t.testdir({}))
  const file = join(workspace.path, '.claude/settings.json')
  for (const text of ['{"model":"--settings={}"}', '{"model":1}', '[', 'x'.repeat(2 ** 20 + 1)]) {
    writeFileSync(file, text)
    t.equal(modelToLaunch(undefined, 'resume', workspace), 'default', text.slice(0, 30))
  }
  const link = join(workspace.path, '.claude/settings.local.json')
  writeFileSync(join(workspace.home, 'elsewhere'), '{"model":"haiku"}')
  symlinkSync(join(workspace.home, 'elsewhere'), link)
  t.equal(modelToLaunch(undefined, 'resume', workspace), 'default', 'a symlink is not followed')
})

t.test('a session without a past cannot inherit', async t => {
  t.same(withoutInherited({ model: 'inherit' }), { model: undefined })
  t.same(withoutInherited({ model: 'opus' }), { model: 'opus' })
})
