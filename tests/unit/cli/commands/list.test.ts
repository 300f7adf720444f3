import stringWidth from 'fast-string-width'
import t from 'tap'
import { renderAge, renderList } from '../../../../src/cli/commands/list.ts'
import type { ListedStack } from '../../../../src/stack/stack-list.ts'

const now = Date.parse('2026-01-02T12:00:00Z')
const stack: ListedStack = {
  id: '00000001',
  stack: 'claude-secure-app-00000001',
  kind: 'folder',
  workspace: '/home/me/app',
  workspaceMode: 'mount',
  credentials: 'api-key',
  state: 'up',
  created: '2026-01-02T09:00:00Z',
  session: { since: '2026-01-02T11:50:00Z' },
  runs: 2,
  services: [],
  volumes: null,
  bytes: null,
  ours: true,
}

t.test('each stack has one line, with its sessions and runs', async t => {
  const left = {
    ...stack,
    id: '00000002',
    workspace: null,
    workspaceMode: 'copy',
    state: 'stopped' as const,
    ...{ created: null, credentials: null, session: null, runs: 0 },
  }
  t.same(renderList([stack, left], now, false).split('\n'), [
    'ID        FOLDER                             STATE    AT WORK              AGE  CREDENTIALS',
    '00000001  /home/me/app                       up       session 10m, 2 runs  3h   api-key',
    '00000002  claude-secure-app-00000001 (copy)  stopped  -                    -    -',
  ])
})

t.test('a git session has its name', async t => {
  const text = renderList([{ ...stack, workspaceMode: 'copy', gitSession: 'login' }], now, false)
  t.match(text, /\/home\/me\/app \(session login\) /)
})

t.test('sizes have a column when they are known', async t => {
  const [heading, one, two] = renderList(
    [{ ...stack, bytes: 12_345_678 }, stack],
    now,
    false,
  ).split('\n')
  t.match(heading, / SIZE +CREDENTIALS$/)
  t.match(one, / 12\.3 MB +api-key$/)
  t.match(two, / - +api-key$/)
})

t.test('the name of a folder is sanitised for the terminal', async t => {
  const text = renderList([{ ...stack, workspace: '/w/\x1b[2Jx\ny' }], now, false)
  t.notMatch(text, /\x1b/)
  t.equal(text.split('\n').length, 2)
})

t.test('an age has one unit, the largest that fits', async t => {
  for (const [seconds, text] of [
    [0, '0s'],
    [59.9, '59s'],
    [60, '1m'],
    [3_599, '59m'],
    [3_600, '1h'],
    [86_399, '23h'],
    [200_000, '2d'],
    [-5, '0s'],
  ] as const) {
    t.equal(renderAge(seconds * 1000), text)
  }
})

t.test('in a terminal of 80 columns every line fits, also with wide names', async t => {
  const workspace = '/home/me/仕事/とても長い名前のプロジェクト/🚀/and/a/long/path/below/it'
  const busy = { ...stack, workspace, services: ['postgres', 'redis'], bytes: 12_345_678 }
  const text = renderList([busy, stack], now, false, 80)
  t.ok(
    text.split('\n').every(line => stringWidth(line) <= 80),
    text,
  )
  for (const character of workspace) t.ok(text.includes(character), character)
})
