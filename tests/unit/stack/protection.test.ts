import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { LogEvent } from '../../../src/base/log.ts'
import {
  clearPlaceholders,
  prepareOverlays,
  withdrawAppeared,
} from '../../../src/stack/protection.ts'
import { stateFolder } from '../../../src/stack/state/state-folder.ts'
import type { OpenedWorkspace } from '../../../src/workspace/workspace.ts'

const stack = 'claude-secure-app-00000001'

async function prepared(t: Test, files: object, PROTECT = 'all') {
  const folder = t.testdir({ work: { ...files }, state: { stacks: { [stack]: {} } } })
  const path = join(folder, 'work')
  const agent = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const workspace = { mode: 'mount', path, agent } as OpenedWorkspace
  const state = stateFolder(stack, join(folder, 'state'))
  const told: string[] = []
  const log = (event: LogEvent) => void ('text' in event && told.push(event.text))
  const overlays = await prepareOverlays(workspace, { PROTECT }, state, log)
  return { path, state, log, told, overlays }
}

t.test('a settings file that appears is moved at the end, and told once', async t => {
  const { path, state, log, told } = await prepared(t, { 'a.json': '' })
  t.notOk((await readdir(path)).includes('.mcp.json'), 'no placeholder')
  t.same(await withdrawAppeared(state), [])
  await writeFile(join(path, '.mcp.json'), '{"agent":1}')
  await clearPlaceholders(state, log)
  t.same(await readdir(path), ['a.json'])
  const moved = /moved to (\S+\.mcp\.json);/.exec(told.join())?.[1] ?? ''
  t.equal(await readFile(moved, 'utf8'), '{"agent":1}')
  await writeFile(join(path, '.mcp.json'), '{"mine":1}')
  await clearPlaceholders(state, log)
  t.equal(told.length, 1)
  t.equal(await readFile(join(path, '.mcp.json'), 'utf8'), '{"mine":1}', 'no agent works any more')
})

t.test(
  'one that was there is mounted and stays; PROTECT leaves the other to the agent',
  async t => {
    const { path, state, log, told, overlays } = await prepared(
      t,
      { '.mcp.json': '{}' },
      '-.devcontainer.json',
    )
    t.match(
      overlays.find(({ path }) => path === '.mcp.json'),
      { writable: false },
    )
    await writeFile(join(path, '.devcontainer.json'), '{}')
    await clearPlaceholders(state, log)
    t.same((await readdir(path)).sort(), ['.devcontainer.json', '.mcp.json'])
    t.same(told, [])
  },
)
