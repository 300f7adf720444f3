import t from 'tap'
import {
  accessDecisions,
  countDenied,
  parseAccessDecision,
  parsePolicyEvent,
  refusedPolicy,
  renderDecision,
} from '../../../src/egress/proxy-log.ts'

// As Squid 6.13 wrote them under proxy/squid.conf.
const allowed =
  '{"ts":1795259771.559,"caller":"agent","method":"CONNECT","host":"allowed.test","port":"443","sni":"allowed.test","verdict":"allowed","reason":"-","status":"TCP_TUNNEL/200","bytes":1493,"sent":490,"ms":2700}'
const unanswered =
  '{"ts":1795259782.178,"caller":"services","method":"CONNECT","host":"closed.test","port":"443","sni":"closed.test","verdict":"allowed","reason":"-","status":"TCP_TUNNEL/503","bytes":0,"sent":0,"ms":3050}'
const denied =
  '{"ts":1795259772.108,"caller":"agent","method":"CONNECT","host":"evil.test","port":"443","sni":"-","verdict":"denied","reason":"not-listed","status":"TCP_DENIED/407","bytes":409,"sent":55,"ms":0}'
const otherName =
  '{"ts":1795259771.719,"caller":"agent","method":"CONNECT","host":"allowed.test","port":"443","sni":"second.test","verdict":"denied","reason":"sni-differs","status":"TCP_DENIED/403","bytes":342,"sent":0,"ms":0}'
const malformed =
  '{"ts":1795260066.816,"caller":"-","method":"-","host":"-","port":"-","sni":"-","verdict":"denied","reason":"malformed","status":"NONE_NONE/400","bytes":315,"sent":91,"ms":0}'
const forged =
  '{"ts":1795260066.793,"caller":"agent","method":"GET","host":"a%22,%22verdict%22:%22allowed%22,%22x%22:%22.evil.test","port":"80","sni":"-","verdict":"denied","reason":"not-connect-443","status":"TCP_DENIED/407","bytes":385,"sent":99,"ms":0}'
const noise = [
  '2026/11/21 11:09:00| Starting Squid Cache version 6.13 for x86_64-pc-linux-gnu...',
  '{"ts":1795259340.283,"event":"policy-loaded","text":"squid.conf"}',
  '{"ts":1795259340.283,"event":"policy-refused","text":"FATAL: Bungled squid.conf line 71"}',
  '{"ts":1',
  '[]',
  'null',
  '',
]

const render = (line: string) => {
  const decision = parseAccessDecision(line)
  return decision && renderDecision(decision)
}

t.test('a line of the access log is a decision', async t => {
  t.match(parseAccessDecision(denied), {
    caller: 'agent',
    host: 'evil.test',
    verdict: 'denied',
    reason: 'not-listed',
  })
})

for (const line of noise) {
  t.test(`no decision: ${line}`, async t => {
    t.equal(parseAccessDecision(line), undefined)
  })
}

t.test('a line of another shape is no decision', async t => {
  t.equal(parseAccessDecision(denied.replace('"denied"', '"maybe"')), undefined)
  t.equal(parseAccessDecision(denied.replace('1795259772.108', '1e300')), undefined)
})

t.test('denials are counted, allowed tunnels and noise are not', async t => {
  const lines = [allowed, denied, ...noise, otherName, malformed, forged, unanswered]
  t.equal(countDenied(accessDecisions(lines)), 4)
  t.equal(countDenied([]), 0)
})

t.test('a decision is one readable line', async t => {
  t.equal(
    render(allowed),
    '2026-11-21 11:16:11 allowed agent    CONNECT allowed.test:443 (1493 bytes in, 490 out, 2.7 s)',
  )
  t.equal(render(denied), '2026-11-21 11:16:12 denied  agent    CONNECT evil.test:443 (not-listed)')
  t.match(render(unanswered), /closed\.test:443 \(TCP_TUNNEL\/503: no answer\)$/)
  t.match(render(otherName), /allowed\.test:443 \(sni-differs: second\.test\)$/)
  t.match(render(malformed), /denied {2}- {8}- \(malformed\)$/)
})

t.test('a name that imitates a field stays a name', async t => {
  t.equal(parseAccessDecision(forged)?.verdict, 'denied')
  t.match(render(forged), /GET a%22,%22verdict%22/)
})

t.test('whatever a decision holds, no control character reaches the terminal', async t => {
  const decision = parseAccessDecision(denied)
  if (!decision) return t.fail('no decision')
  const text = renderDecision({ ...decision, host: '\x1b]0;owned\x07x\r\ny', reason: '\u202e' })
  t.notMatch(text, /[\x00-\x1f\x7f\u202e]/)
})

const loaded = '{"ts":1,"event":"policy-loaded","text":"squid.conf"}'
const refused = '{"ts":2,"event":"policy-refused","text":"line 3: unrecognized"}'
const decision = '{"ts":3,"caller":"agent","event":"CONNECT","text":"x"}'

t.test('the last word of the proxy on its policy counts', async t => {
  t.equal(refusedPolicy([loaded, decision, refused, decision]), 'line 3: unrecognized')
  t.equal(refusedPolicy([refused, decision, loaded]), null)
})

t.test('the digest tells which file is meant; the end of a name is no word on a file', async t => {
  t.match(parsePolicyEvent('{"ts":1,"event":"policy-loaded","text":"x","digest":"ab"}'), {
    event: 'policy-loaded',
    digest: 'ab',
  })
  const expired = '{"ts":4,"event":"policy-expired","text":"over","digest":"ab"}'
  t.equal(parsePolicyEvent(expired), undefined)
  t.equal(refusedPolicy([refused, expired]), 'line 3: unrecognized')
})

t.test('without a word, or with lines that are none of it, nothing is refused', async t => {
  t.equal(refusedPolicy([]), null)
  t.equal(refusedPolicy([decision, '{', 'policy-refused', '{"event":"policy-refused"}']), null)
})
