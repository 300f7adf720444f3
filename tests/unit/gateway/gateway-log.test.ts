import t from 'tap'
import { createGatewayLog } from '../../../src/gateway/gateway-log.ts'

const now = () => new Date('2026-01-02T03:04:05.678Z')

t.test('an event is one line of JSON, for any content', async t => {
  const lines: string[] = []
  const log = createGatewayLog('info', line => lines.push(line), now)
  log({ kind: 'malformed', reason: 'a\n{"kind":"request"}\u001b[2J' })
  t.equal(lines.length, 1)
  t.match(lines[0], /^[^\n]*\n$/)
  t.notMatch(lines[0], '\u001b')
  t.strictSame(JSON.parse(lines[0] ?? ''), {
    time: '2026-01-02T03:04:05.678Z',
    level: 'warn',
    kind: 'malformed',
    reason: 'a\n{"kind":"request"}\u001b[2J',
  })
})

t.test('the level selects the events', async t => {
  const kinds = (level: 'silent' | 'error' | 'warn' | 'info') => {
    const lines: string[] = []
    const log = createGatewayLog(level, line => lines.push(JSON.parse(line).level))
    log({ kind: 'stopping', signal: 'SIGTERM' })
    log({ kind: 'malformed', reason: 'x' })
    log({ kind: 'error', message: 'x' })
    return lines
  }
  t.strictSame(kinds('silent'), [])
  t.strictSame(kinds('error'), ['error'])
  t.strictSame(kinds('warn'), ['warn', 'error'])
  t.strictSame(kinds('info'), ['info', 'warn', 'error'])
})
