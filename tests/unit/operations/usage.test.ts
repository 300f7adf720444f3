import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { knownRuns, readUsage } from '../../../src/operations/usage.ts'
import { stateFolder } from '../../../src/stack/state/state-folder.ts'

const result = (runId: string, startedAt: string, more = {}) =>
  JSON.stringify({ runId, startedAt, meter: 'm', workspace: '/workspace', turns: [], ...more })

t.test('runs with a meter are listed oldest first; invalid results are skipped', async t => {
  const folder = t.testdir({
    b: { 'result.json': result('bbbbbbbbbbbbbbbb', '2026-11-21T10') },
    a: { 'result.json': result('aaaaaaaaaaaaaaaa', '2026-11-21T09') },
    unmetered: { 'result.json': result('cccccccccccccccc', '2026', { meter: null }) },
    strange: { 'result.json': result('../../../../etc', '2026') },
    broken: { 'result.json': '{' },
    running: {},
    file: '',
  })
  t.strictSame(await knownRuns(folder), [
    { runId: 'aaaaaaaaaaaaaaaa', meter: 'm', workspace: '/workspace', startedAt: '2026-11-21T09' },
    { runId: 'bbbbbbbbbbbbbbbb', meter: 'm', workspace: '/workspace', startedAt: '2026-11-21T10' },
  ])
})

t.test('symlinks are not followed, and a missing store has no runs', async t => {
  const folder = t.testdir({ real: result('aaaaaaaaaaaaaaaa', '2026'), linked: {}, runs: {} })
  symlinkSync(join(folder, 'real'), join(folder, 'linked', 'result.json'))
  t.strictSame(await knownRuns(folder), [])
  t.strictSame(await knownRuns(join(folder, 'none')), [])
})

t.test('a stack that is named has the budget of its own folder', async t => {
  process.env.XDG_STATE_HOME = t.testdir()
  const stack = 'claude-secure-other-0a1b2c3d'
  const { path, settings } = stateFolder(stack)
  mkdirSync(path, { recursive: true })
  writeFileSync(settings, 'BUDGET_USD_PER_DAY=7\n', { mode: 0o600 })
  const { reports } = await readUsage({ days: 7, all: false, stack })
  t.match(reports, [{ stack, today: { budgetUsd: 7 } }])
})
