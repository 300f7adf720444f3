import t from 'tap'
import { connectTo, firstLine, reached } from '../../../src/audit/tunnel.ts'

t.test('a request for a tunnel names its target twice, as clients do', async t => {
  t.equal(connectTo('a.test'), 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n')
  t.match(connectTo('a.test', 22), /^CONNECT a\.test:22 /)
})

t.test('what was reached is told by the word, not by the status', async t => {
  t.ok(reached({ received: 'HTTP/1.1 403 Forbidden\r\n\r\nthe word' }, 'the word'))
  t.notOk(reached({ received: 'HTTP/1.1 200 OK\r\n\r\n' }, 'the word'))
})

t.test('evidence is the first line, or why there is none', async t => {
  t.equal(firstLine({ received: 'HTTP/1.1 407 No\r\nServer: x\r\n' }), 'HTTP/1.1 407 No')
  t.equal(firstLine({ received: '', error: 'ECONNREFUSED' }), 'ECONNREFUSED')
  t.equal(firstLine({ received: '' }), 'nothing came back')
})
