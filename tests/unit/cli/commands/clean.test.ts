import t from 'tap'
import { renderRemains } from '../../../../src/cli/commands/clean.ts'
import { hasUnappliedWork, type Remains } from '../../../../src/stack/remains.ts'

const base: Remains = {
  stack: {
    ...{ id: '00000001', stack: 'claude-secure-app-00000001', workspace: '/home/me/app' },
    ...{
      kind: 'folder',
      workspaceMode: 'mount',
      credentials: null,
      state: 'stopped',
      created: null,
    },
    ...{ session: null, runs: 0, services: [], volumes: [], bytes: null, ours: true },
  },
  homes: 0,
  data: [],
  copy: null,
  runs: 0,
  applies: 0,
  own: { list: false, settings: false },
}

t.test('each item that would be lost has a line', async t => {
  t.same(renderRemains([base]), ['00000001  /home/me/app', '  settings of its last start'])
  t.same(renderRemains([{ ...base, own: { list: true, settings: true } }]), [
    '00000001  /home/me/app',
    "  the folder's own allowlist and settings",
  ])
  const full: Remains = {
    ...base,
    stack: { ...base.stack, workspace: null, bytes: 1_234_567 },
    homes: 2,
    data: ['postgres'],
    runs: 1,
    applies: 3,
    copy: { kind: 'unapplied', changes: 2, git: true, commits: true, digest: 'x' },
  }
  t.same(renderRemains([full]), [
    '00000001  claude-secure-app-00000001',
    '  the copy of the folder, with 2 unapplied changes and commits or branches',
    "  conversations, and the agent's home (1.2 MB in all volumes)",
    '  data of the service postgres',
    '  results of 1 run',
    '  backups for apply --undo, of 3 applies',
  ])
})

t.test('a copy holds work unless all of it is applied; an unreadable copy may', async t => {
  const copies: [Remains['copy'], RegExp, boolean][] = [
    [{ kind: 'applied' }, /without unapplied changes/, false],
    [
      { kind: 'unapplied', changes: 1, git: false, commits: false, digest: 'x' },
      /with 1 unapplied change$/,
      true,
    ],
    [
      { kind: 'unapplied', changes: 0, git: true, commits: true, digest: 'x' },
      /with commits or branches$/,
      true,
    ],
    [{ kind: 'unknown', reason: 'x\x1b[2J' }, /could not be inspected: x[^\x1b]*$/, true],
  ]
  for (const [copy, line, work] of copies) {
    t.match(renderRemains([{ ...base, copy }])[1], line)
    t.equal(hasUnappliedWork({ ...base, copy }), work)
  }
  t.equal(hasUnappliedWork(base), false)
})
