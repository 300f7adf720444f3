import t from 'tap'
import { judgeAllowed, judgeDenied, proveLive } from '../../../src/doctor/live.ts'
import { AccessDecision } from '../../../src/egress/proxy-log.ts'

const decision = (change: Partial<AccessDecision>): AccessDecision =>
  AccessDecision.parse({
    ts: 1,
    caller: 'agent',
    method: 'CONNECT',
    host: 'x.invalid',
    port: '443',
    sni: '-',
    verdict: 'denied',
    reason: 'not-listed',
    status: 'TCP_DENIED/407',
    bytes: 0,
    sent: 0,
    ms: 1,
    ...change,
  })
const name = 'x.invalid'

t.test(
  'a denial counts if the caller saw it and the proxy logged the name as its reason',
  async t => {
    t.equal(judgeDenied({ name, seen: '407', decision: decision({}) }).severity, 'ok')
    const others = [
      { seen: '407', decision: null },
      { seen: '000', decision: null },
      { seen: '200', decision: decision({}) },
      { seen: '407', decision: decision({ reason: 'unresolved' }) },
      { seen: '407', decision: decision({ reason: 'too-many-connections' }) },
      { seen: '200', decision: decision({ verdict: 'allowed', reason: '-' }) },
    ]
    for (const trial of others) {
      t.equal(judgeDenied({ name, ...trial }).severity, 'refusal', JSON.stringify(trial))
    }
  },
)

t.test('a name is reachable if it answered and the proxy logged it as allowed', async t => {
  const allowed = decision({ verdict: 'allowed', reason: '-', caller: 'services' })
  const judge = (seen: string, made: AccessDecision | null, rehearsal = false) =>
    judgeAllowed({ name, seen, decision: made }, rehearsal).severity
  t.equal(judge('answered 404 Sat, 21 Nov 2026 12:00:00 GMT', allowed), 'ok')
  t.equal(judge('answered 404', null), 'refusal', 'an answer that came past the proxy')
  t.equal(judge('tls: CERT_HAS_EXPIRED', allowed), 'warning')
  t.equal(judge('refused 407', decision({ reason: 'unresolved' })), 'warning')
  t.equal(judge('refused 407', decision({ reason: 'unresolved' }), true), 'note')
  t.equal(judge('refused 407', decision({ reason: 'not-listed' })), 'refusal')
  t.equal(judge('proxy: ECONNREFUSED', null), 'refusal')
})

t.test('without a stack a note says how to run the live proof', async t => {
  const nothing = { agent: [], gateway: [], server: [], grantable: [], login: [] }
  const proof = await proveLive({
    engine: {} as never,
    client: {} as never,
    state: null,
    allowlist: nothing,
  })
  t.match(proof, { checks: [{ severity: 'note', hint: /start --detach/ }], upstreamDate: null })
})
