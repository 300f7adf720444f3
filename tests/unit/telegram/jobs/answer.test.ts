import t from 'tap'
import type { RunResult } from '../../../../src/run/result.ts'
import { answerParts, partsOf } from '../../../../src/telegram/jobs/answer.ts'

const result = (status: RunResult['status'], more: Partial<RunResult> = {}): RunResult => ({
  ...{ runId: '0'.repeat(16), workspace: '/workspaces', status, sessionId: null, startedAt: '' },
  ...{ endedAt: '', error: null, claude: null, turns: [], system: null, meter: null, costUsd: 0 },
  ...more,
})

t.test('each end of a run has its words', async t => {
  const text = (given: RunResult) =>
    answerParts(given).map(part => 'message' in part && part.message.text)
  t.same(text(result('succeeded', { claude: { result: 'done' } })), ['done'])
  t.same(text(result('succeeded', { claude: { result: ' ' } })), ['(no answer)'])
  t.same(text(result('cancelled')), ['cancelled'])
  t.match(text(result('interrupted')), [/^interrupted: the server stopped/])
  const error = { code: 'no-result' } as const
  t.same(text(result('failed', { error })), ['failed: Claude Code gave no result'])
})

t.test('files follow the text, and a long answer is one', async t => {
  t.match(partsOf('look\n[SEND_FILE: a.png]'), [
    { kind: 'text', message: { text: 'look' } },
    { kind: 'file', path: 'a.png' },
  ])
  t.match(partsOf('[SEND_FILE: a.png]'), [{ kind: 'file' }])
  t.match(partsOf('```\n\n```'), [{ kind: 'text', message: { text: '(no answer)' } }])
  t.match(partsOf('word '.repeat(5_000)), [{ kind: 'document', name: 'answer.md' }])
  const many = Array.from({ length: 12 }, (_, at) => `[SEND_FILE: ${at}]`).join('\n')
  t.match(partsOf(many).at(-1), { message: { text: '2 further files were not sent' } })
})
