import { readdirSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { startFiles } from './files-fixture.ts'
import { token } from './fixture.ts'
import { startRunning } from './running.ts'

const head = (line: string) =>
  `${line} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\nconnection: close\r\n`

t.test('bombs of JSON and of compression are 422, and hold nothing up', async t => {
  const { ask, run } = await startRunning(t)
  const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
    ask('/run', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    })
  const members = Array.from({ length: 200_000 }, (_, index) => `"${index}":0`).join()
  for (const [bomb, expected] of [
    [`{"prompt":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, /more than 64 levels/],
    [`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, /more than 64 levels/],
    [`{"prompt":[${'1,'.repeat(1_000_000)}1]}`, /more than 100000 values/],
    [`{"prompt":"x","x":{${members}}}`, /more than 100000 values/],
    [`{"prompt":"${'['.repeat(10_000)}`, /JSON decode error/],
  ] as const) {
    const answer = await post(bomb)
    t.equal(answer.status, 422)
    t.match(answer.text, expected)
    t.ok(answer.text.length < 2_000, 'the bomb is not sent back')
  }
  const zipped = gzipSync(Buffer.alloc(50 * 1024 * 1024, ' '))
  for (const encoding of ['gzip', 'deflate', 'br', 'gzip, gzip']) {
    t.match(await post(zipped, { 'content-encoding': encoding }), { status: 422 }, encoding)
  }
  t.match(await run({ prompt: 'still here', workspace: 'a' }), { body: { result: 'still here' } })
})

t.test('CR, LF and NUL reach no header, and no line of their own', async t => {
  const { raw, ask, events } = await startRunning(t)
  for (const bytes of [
    `${head('GET /status')}x: a\rset-cookie: forged\r\n\r\n`,
    `${head('GET /status')}x: a\0b\r\n\r\n`,
    `${head('GET /status')}idempotency-key: a\0forged\r\n\r\n`,
    `${head('GET /status')}x : forged\r\n\r\n`,
    `${head('GET /sta\0tus')}\r\n`,
    `${head('GET /status\tx')}\r\n`,
  ]) {
    const answer = await raw(bytes)
    t.match(answer, /^HTTP\/1.1 400 Bad Request\r\n/, JSON.stringify(bytes.slice(0, 30)))
    t.notMatch(answer, /forged/)
  }
  for (const [path, status] of [
    ['/run/result?runId=%00%0d%0aset-cookie:%20forged', 404],
    ['/run/events?runId=x%0d%0aset-cookie:%20forged', 404],
    ['/none%0d%0aset-cookie:%20forged', 404],
    ['/none%00', 404],
  ] as const) {
    const answer = await ask(path)
    t.equal(answer.status, status, path)
    t.notOk(answer.headers['set-cookie'])
  }
  for (const { kind, ...event } of events) t.notMatch(event, /forged/, kind)
})

t.test('a name with CR and LF is stored and sent without a header of its own', async t => {
  const { send, root } = await startFiles(t)
  const path = '/files/x%0d%0aset-cookie:%20forged'
  t.equal((await send(`PUT ${path}`, {}, 'content')).status, 200)
  t.same(readdirSync(root), ['x\r\nset-cookie: forged'])
  const { status, headers, text } = await send(`GET ${path}`)
  t.match({ status, text }, { status: 200, text: 'content' })
  t.notOk(headers['set-cookie'])
})

t.test('NUL is part of no path', async t => {
  const { ask, run } = await startRunning(t)
  for (const path of ['/files/a%00b', '/files/%00', '/files/a/%00/b']) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await ask(path, { method, ...(method === 'PUT' && { body: 'x' }) })
      t.equal(answer.status, 400, `${method} ${path}`)
    }
  }
  for (const workspace of ['a\0', '\0', 'a\0/../../main-evil']) {
    const answer = await run({ prompt: 'x', workspace })
    t.equal(answer.status, 400)
    t.match(answer.body.detail, /^workspace not found: /)
    t.notMatch(answer.body.detail, '\0')
  }
})
