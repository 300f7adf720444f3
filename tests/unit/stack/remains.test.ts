import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createEngine } from '../../../src/engine/engine.ts'
import { readRemains } from '../../../src/stack/remains.ts'
import type { ListedStack } from '../../../src/stack/stack-list.ts'

// Not the state of whoever runs the tests.
process.env.XDG_STATE_HOME = await mkdtemp(join(tmpdir(), 'remains-'))
t.teardown(() => rm(process.env.XDG_STATE_HOME ?? '', { recursive: true }))

const name = 'claude-secure-app-00000001'
const stack: ListedStack = {
  ...{
    id: '00000001',
    stack: name,
    kind: null,
    workspace: null,
    workspaceMode: null,
    credentials: null,
  },
  ...{
    state: 'stopped',
    created: null,
    session: null,
    runs: 0,
    services: [],
    bytes: null,
    ours: true,
  },
  volumes: [`${name}_home-1000`, `${name}_worker-home-1000`, `${name}_service.postgres.data`],
}
const context = {
  engine: createEngine({ socketPath: '/nowhere.sock' }),
  docker: { kind: 'docker' as const, file: '/bin/false', env: {} },
}
const image = async () => 'sha256:1'

t.test('homes, results and applies are counted', async t => {
  const state = join(process.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', name)
  for (const path of ['runs/a', 'runs/b', 'applies/1']) {
    mkdirSync(join(state, path), { recursive: true })
  }
  t.match(await readRemains(context, stack, image), {
    ...{ homes: 2, data: ['postgres'], runs: 2, applies: 1, copy: null },
  })
})

t.test('a copy that cannot be looked at is not taken for one without changes', async t => {
  const copy = { ...stack, volumes: [`${name}_workspace`] }
  const failing = await readRemains(context, copy, image)
  t.match(failing.copy, { kind: 'unknown', reason: /reading the copy in .*_workspace failed/ })
  const noImage = await readRemains(context, copy, async () => {
    throw new Error('there is no image')
  })
  t.same(noImage.copy, { kind: 'unknown', reason: 'there is no image' })
})
