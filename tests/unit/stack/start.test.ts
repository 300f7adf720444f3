import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { checkoutRoot } from '../../../src/config/paths.ts'
import { createEngine } from '../../../src/engine/engine.ts'
import { startStack } from '../../../src/stack/start.ts'
import { stateFolder } from '../../../src/stack/state/state-folder.ts'
import { stackValue } from '../../support/stack/stack-value.ts'

t.test('a stack file that cannot be written leaves no placeholder in the folder', async t => {
  const folder = t.testdir({ project: { '.git': {} } })
  const value = stackValue()
  const state = stateFolder(value.identity.name, folder)
  await mkdir(state.path, { recursive: true })
  // A folder in the place of the file.
  await mkdir(join(state.override, 'x'), { recursive: true })
  const path = join(folder, 'project')
  const stack = {
    ...value,
    state,
    root: checkoutRoot(),
    workspace: { ...value.workspace, path, agent: { uid: process.getuid?.() ?? 0, gid: 0 } },
  }
  const nowhere = { socketPath: join(folder, 'no.sock') }
  const docker = { kind: 'docker' as const, file: '/nowhere/docker', env: {} }
  const context = { engine: createEngine(nowhere), docker, log: () => {} }
  await t.rejects(startStack(context, stack, null, ['claude']), {
    message: /cannot write .*stack\.yaml \(EISDIR\)/,
  })
  t.same(await readdir(path), ['.git'])
  t.same(await readdir(join(path, '.git')), [])
})
