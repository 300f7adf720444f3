import t from 'tap'
import { renderRuns } from '../../../../src/cli/commands/stored-runs.ts'

t.test('runs are listed below a heading, and prompts are sanitised for the terminal', t => {
  const record = {
    workspace: '/workspace',
    startedAt: '2026-11-21T19:40:29.559Z',
    model: null,
    owner: null,
    surface: 'cli',
    idempotencyKey: null,
    requestDigest: null,
    state: 'running' as const,
    endedAt: null,
    sessionId: null,
    costUsd: null,
    error: null,
    question: null,
  }
  const text = renderRuns(
    [{ ...record, runId: '0123456789abcdef', prompt: '\x1b[31mred\nline' }],
    false,
  )
  const [heading, row, ...more] = text.split('\n')
  t.match(heading, /^ID +STATUS +STARTED \(UTC\) +COST +PROMPT$/)
  t.match(row, /^0123456789abcdef {2}running {2}2026-11-21 19:40:29 {2}- +/)
  t.equal(more.length, 0)
  t.notMatch(text, /\x1b/)
  t.end()
})
