import t from 'tap'
import { renderStatus } from '../../../../src/cli/commands/status.ts'
import type { Status } from '../../../../src/operations/status.ts'

const report: Status = {
  version: 1,
  stack: 'claude-secure-app-00000001',
  running: true,
  workspace: '/home/me/app',
  workspaceMode: 'mount',
  copy: null,
  services: [],
  loosened: [],
  credentials: { mode: 'api-key', weakness: null },
  forwards: [],
  parent: null,
  waiting: [],
  allowlist: { names: 0, refused: null },
  denied: { count: 0, ofLast: 2_000 },
  blocked: [],
  versions: { claudeSecure: '1', claudeCode: '2', engine: '3' },
  otherStacks: 0,
}

t.test('a run that waits is shown with the command that answers it', async t => {
  const waiting = [{ runId: '0123456789abcdef', deadline: '2026-11-21T18:00:00Z' }]
  t.match(
    renderStatus({ ...report, waiting }),
    /waiting.*run 0123456789abcdef asks: \.\/claude\.ts answer 0123456789abcdef/,
  )
  t.notMatch(renderStatus(report), /waiting|answer/)
})
