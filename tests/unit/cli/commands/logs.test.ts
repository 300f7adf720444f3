import t from 'tap'
import { renderLogLine } from '../../../../src/cli/commands/logs.ts'

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
