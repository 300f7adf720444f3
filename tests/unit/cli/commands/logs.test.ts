import t from 'tap'
import { renderLogLine } from '../../../../src/cli/commands/logs.ts'
import { createGatewayLog, type GatewayEvent } from '../../../../src/gateway/gateway-log.ts'

const denied = {
  ...{ ts: 1_700_000_000.5, caller: 'agent', method: 'CONNECT', host: 'evil.test', port: '443' },
  ...{ sni: '-', verdict: 'denied', reason: 'not-listed', status: 'TCP_DENIED/403' },
  ...{ bytes: 0, sent: 0, ms: 1 },
}

t.test("the proxy's decisions are rendered in words", async t => {
  const line = renderLogLine('proxy')(JSON.stringify(denied))
  t.match(line, /2023-11-14 22:13:20 denied .*CONNECT evil\.test:443 \(not-listed\)/)
})

t.test('other lines, and those of other services, are only sanitised', async t => {
  t.equal(renderLogLine('proxy')('{"event":"policy-loaded"}'), '{"event":"policy-loaded"}')
  t.equal(renderLogLine('gateway')('a\x1b[2Jb\x07'), 'ab')
  t.equal(renderLogLine('gateway')(JSON.stringify(denied)), JSON.stringify(denied))
})

/** Renders an event as `logs gateway` does: the gateway's own writer makes the line. */
function shown(event: GatewayEvent) {
  let line = ''
  const now = () => new Date('2026-01-02T03:04:05.678Z')
  createGatewayLog('info', text => (line += text), now)(event)
  return renderLogLine('gateway')(line.trimEnd())
}

const request: GatewayEvent & { kind: 'request' } = {
  kind: 'request',
  ...{ method: 'POST', route: '/v1/messages', status: 200, outcome: 'answered' as const },
  ...{ requestBytes: 1_200, responseBytes: 3_400, milliseconds: 1_234 },
}

t.test('every event of the gateway is one line of words', async t => {
  t.equal(
    shown({ ...request, model: 'claude-opus-5-5' }),
    '2026-01-02 03:04:05 answered POST /v1/messages 200 (claude-opus-5-5, 3400 bytes in, 1200 out, 1.2 s)',
  )
  t.match(
    shown({ ...request, status: 403, outcome: 'refused', reason: 'not a route' }),
    /refused {2}POST \/v1\/messages 403 \(not a route, 3400 bytes/,
  )
  const at = { port: 8787, upstream: 'https://api.anthropic.com', proxy: 'http://proxy:3128' }
  t.match(shown({ kind: 'listening', ...at }), /listening on port 8787, model at https:\/\/api/)
  t.match(shown({ kind: 'stopping', signal: 'SIGTERM' }), /stopping: SIGTERM$/)
  t.match(shown({ kind: 'malformed', reason: 'bad' }), /malformed request \(bad\)$/)
  t.match(shown({ kind: 'error', message: 'm', hint: 'h' }), /error: m \(h\)$/)
})

t.test(
  'hostile text in an event is one harmless line, and an invented one is not rendered',
  async t => {
    const model = 'x\n2026-01-02 03:04:05 answered\x1b]0;owned\x07\u202e\u001b[2J'
    const line = shown({ ...request, model })
    t.notMatch(line, /[\x00-\x1f\x7f\u202e]/)
    t.equal(shown({ ...request, model: 'm'.repeat(5_000) }).length, 2_000)
    const other = '{"kind":"request","time":"now","status":"200"}'
    t.equal(renderLogLine('gateway')(other), other)
  },
)
