import { text } from 'node:stream/consumers'
import t from 'tap'
import {
  createRequestGuard,
  judgeHead,
  type Refusal,
} from '../../../../src/stack/forward/request-guard.ts'

const judge = (...lines: string[]) => judgeHead(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`))
const get = 'GET / HTTP/1.1'
const upgrade = 'Upgrade: websocket'

t.test('a page of this machine passes', async t => {
  for (const host of ['localhost:5173', '127.0.0.1:5173', 'ca29cbd8.localhost:5173', 'LOCALHOST']) {
    t.equal(judge(get, `Host: ${host}`), 'pass', host)
    t.equal(judge(get, `Host: ${host}`, upgrade, `Origin: http://${host}`), 'pass', host)
  }
  t.equal(judge('GET / HTTP/1.0'), 'pass')
})

t.test('a name that leads here by DNS is refused', async t => {
  const names = ['evil.test', 'localhost.evil.test', '127.0.0.1.nip.test', 'evil.test:5173', '']
  for (const host of [...names, 'notlocalhost', '127.0.0.2', '[::1]:5173', 'a@localhost']) {
    t.match(judge(get, `Host: ${host}`), { status: 403 }, host)
  }
  t.match(judge(get, 'Host: localhost', 'host: evil.test'), { status: 403 }, 'a second Host')
  t.match(judge(get, 'HOST : evil.test'), { status: 403 }, 'a space before the colon')
})

t.test('a method that a page chooses is judged like any other', async t => {
  const methods = ['M-SEARCH', 'patch', 'x', 'G1', "a!#$%&'*+.^_`|~-", 'A'.repeat(300)]
  for (const method of methods) {
    t.match(judge(`${method} / HTTP/1.1`, 'Host: evil.test'), { status: 403 }, method)
    t.equal(judge(`${method} / HTTP/1.1`, 'Host: localhost'), 'pass', method)
    t.equal(judgeHead(Buffer.from(method)), 'more', `${method}, cut`)
  }
  const bare = judgeHead(Buffer.from('GET / HTTP/1.1\nHost: evil.test\n\n'))
  t.match(bare, { status: 403 }, 'lines without CR')
})

t.test('a websocket of another website is refused', async t => {
  const origins = ['https://evil.test', 'null', 'http://localhost.evil.test', 'file://']
  for (const origin of origins) {
    t.match(judge(get, 'Host: localhost', upgrade, `Origin: ${origin}`), { status: 403 }, origin)
  }
  t.equal(judge(get, 'Host: localhost', 'Origin: https://evil.test'), 'pass', 'CORS decides')
})

t.test('other protocols pass at once', async t => {
  for (const bytes of [
    '\x16\x03\x01',
    '\0\0\0\x08\x04\xd2\x16\x2f',
    'hello\n',
    'SSH-2.0-OpenSSH_9.2\r\n',
    'USER me\r\n',
    'EHLO host.test\r\n',
    'SET key 1\n',
    'CONNECT {"verbose":false}\r\n',
    'AMQP\0\0\x09\x01',
    '*1\r\n$4\r\nPING',
  ]) {
    t.equal(judgeHead(Buffer.from(bytes, 'latin1')), 'pass')
  }
})

t.test('an unfinished head is waited for, and not for ever', async t => {
  t.equal(judgeHead(Buffer.from('GET / HTTP/1.1\r\nHost: loc')), 'more')
  t.match(judgeHead(Buffer.from(`GET /${'x'.repeat(40_000)}`)), { status: 431 })
})

t.test('the guard passes all bytes on, however they are cut', async t => {
  const sent = `${get}\r\nHost: localhost\r\n\r\nbody \xff\0`
  const guard = createRequestGuard(() => t.fail('refused'))
  for (const byte of Buffer.from(sent, 'latin1')) guard.write(Buffer.from([byte]))
  guard.end()
  guard.setEncoding('latin1')
  t.equal(await text(guard), sent)
})

t.test('the guard lets nothing of a refused request through', async t => {
  const refusals: Refusal[] = []
  const guard = createRequestGuard(refusal => refusals.push(refusal))
  guard.write(`${get}\r\nHost: evil.test\r\n\r\n`)
  guard.end(`${get}\r\nHost: localhost\r\n\r\n`)
  t.equal(await text(guard), '')
  t.match(refusals, [{ status: 403 }])
})

t.test('the guard passes on a head that never ended', async t => {
  const guard = createRequestGuard(() => t.fail('refused'))
  guard.end('GET')
  t.equal(await text(guard), 'GET')
})
