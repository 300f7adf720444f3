import t from 'tap'
import type { Attacker } from '../../../src/audit/attacker.ts'
import {
  type Attempted,
  attemptAll,
  connectTo,
  firstLine,
  list,
  noneReached,
  reached,
} from '../../../src/audit/attempts.ts'

const attempted = (name: string, through: boolean): Attempted => ({
  name,
  request: '',
  follow: 'plain',
  received: through ? 'the word' : 'HTTP/1.1 407 No\r\n',
  through,
})

t.test('one successful attempt opens the check, and is named', async t => {
  const check = noneReached('nothing gets out', [attempted('GET', false), attempted('PUT', true)])
  t.equal(check.verdict, 'open')
  t.match(check.evidence, /PUT/)
  t.notMatch(check.evidence, /GET/)
})

t.test('holds when no attempt succeeded, unless none was made', async t => {
  t.match(noneReached('x', [attempted('GET', false)]), {
    verdict: 'held',
    evidence: /1 tried.*407/,
  })
  t.equal(noneReached('x', []).verdict, 'open')
})

t.test('attempts are judged by the canary’s word', async t => {
  const attacker = {
    tunnel: async (request: string) => ({ received: request === 'good' ? '200 w0rd' : '200 OK' }),
  } as unknown as Attacker
  const results = await attemptAll({ attacker, word: 'w0rd' }, [
    { name: 'a', request: 'good', follow: 'plain' },
    { name: 'b', request: 'bad', follow: 'plain' },
  ])
  t.strictSame(
    results.map(({ name, through }) => [name, through]),
    [
      ['a', true],
      ['b', false],
    ],
  )
})

t.test('long lists are cut', async t => {
  t.equal(list(['a', 'b']), 'a, b')
  t.equal(list(['a', 'b', 'c'], 2), 'a, b and 1 more')
})

t.test('a CONNECT request names its target twice, as clients do', async t => {
  t.equal(connectTo('a.test'), 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n')
  t.match(connectTo('a.test', 22), /^CONNECT a\.test:22 /)
})

t.test('success is judged by the word, not by the status', async t => {
  t.ok(reached({ received: 'HTTP/1.1 403 Forbidden\r\n\r\nthe word' }, 'the word'))
  t.notOk(reached({ received: 'HTTP/1.1 200 OK\r\n\r\n' }, 'the word'))
})

t.test('the evidence is the first line or the error', async t => {
  t.equal(firstLine({ received: 'HTTP/1.1 407 No\r\nServer: x\r\n' }), 'HTTP/1.1 407 No')
  t.equal(firstLine({ received: '', error: 'ECONNREFUSED' }), 'ECONNREFUSED')
  t.equal(firstLine({ received: '' }), 'no answer')
})
