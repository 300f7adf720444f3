import t from 'tap'
import { createServerLog } from '../../../src/tenants/server-log.ts'

const now = () => new Date('2026-11-29T00:00:00Z')

t.test('an event is one line of JSON without control characters', async t => {
  const lines: string[] = []
  const log = createServerLog('info', line => void lines.push(line), now)
  log({ kind: 'malformed', reason: 'a\n{"kind":"error"}\u009b31m\u202e\x1b[2J' })
  t.equal(lines.length, 1)
  t.match(lines[0], /^[\x20-\x7e]+\n$/)
  t.match(JSON.parse(lines[0] ?? ''), { time: '2026-11-29T00:00:00.000Z', level: 'warn' })
})

t.test('a level hides what is below it', async t => {
  const lines: string[] = []
  const log = createServerLog('error', line => void lines.push(line), now)
  log({ kind: 'malformed', reason: 'x' })
  log({ kind: 'listening', port: 1, tenants: 1, tokens: 1 })
  log({ kind: 'webhook', outcome: 'failed', attempts: 1 })
  log({ kind: 'error', message: 'x' })
  t.equal(lines.length, 1)
})
