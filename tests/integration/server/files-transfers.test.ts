import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { exchange } from '../../support/http/exchange.ts'
import { startFiles } from './files-fixture.ts'

t.test('a part of a file can be read', async t => {
  const { send } = await startFiles(t)
  await send('PUT /files/f', {}, '0123456789')
  const cases: [string, number, string, string | undefined][] = [
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=8-99999999999999999999', 206, '89', 'bytes 8-9/10'],
    ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=0-1,3-4', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
    ...['bytes=10-', 'bytes=-0', 'bytes=4-2', 'bytes=x-y', 'bytes=-', 'bytes='].map(
      range =>
        [range, 416, '{"detail":"range not satisfiable"}', 'bytes */10'] as [
          string,
          number,
          string,
          string,
        ],
    ),
  ]
  for (const [range, status, text, contentRange] of cases) {
    const answer = await send('GET /files/f', { range })
    t.match(answer, { status, text }, range)
    t.equal(answer.headers['content-range'], contentRange, range)
    const head = await send('HEAD /files/f', { range })
    t.equal(head.status, status, `HEAD ${range}`)
    if (status === 206) t.equal(head.headers['content-length'], String(text.length))
  }
  await send('PUT /files/empty')
  t.match(await send('GET /files/empty', { range: 'bytes=0-' }), { status: 416 })
})

t.test('an ETag saves a transfer and keeps two writers apart', async t => {
  const { send, root } = await startFiles(t)
  const stored = await send('PUT /files/f', { 'if-none-match': '*' }, 'first')
  const etag = stored.headers.etag ?? ''
  t.match(etag, /^"[^"]+"$/)
  t.equal((await send('GET /files/f')).headers.etag, etag)
  for (const tags of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
    const answer = await send('GET /files/f', { 'if-none-match': tags })
    t.match(answer, { status: 304, text: '' }, tags)
    t.equal(answer.headers.etag, etag)
  }
  t.match(await send('GET /files/f', { 'if-none-match': '"other"' }), { status: 200 })
  t.match(await send('GET /files/f', { 'if-match': '"other"' }), { status: 412 })
  t.match(await send('PUT /files/f', { 'if-none-match': '*' }, 'lost'), { status: 412 })

  const part = { range: 'bytes=0-1' }
  t.match(await send('GET /files/f', { ...part, 'if-range': etag }), { status: 206, text: 'fi' })

  writeFileSync(join(root, 'f'), 'agent')
  t.match(await send('PUT /files/f', { 'if-match': etag }, 'lost'), { status: 412 })
  t.match(await send('DELETE /files/f', { 'if-match': etag }), { status: 412 })
  t.match(await send('GET /files/f', { ...part, 'if-range': etag }), { status: 200, text: 'agent' })
  t.match(await send('PUT /files/g', { 'if-match': '*' }, 'lost'), { status: 412 })
  t.equal(readFileSync(join(root, 'f'), 'utf8'), 'agent')
  t.same(readdirSync(root), ['f'], 'a refused write leaves nothing')

  const fresh = (await send('GET /files/f')).headers.etag ?? ''
  const both = await Promise.all(
    ['one', 'two'].map(text => send('PUT /files/f', { 'if-match': fresh }, text)),
  )
  t.same(both.map(({ status }) => status).sort(), [200, 412], 'one of two writers wins')
  const last = (await send('GET /files/f')).headers.etag ?? ''
  t.match(await send('DELETE /files/f', { 'if-match': last }), { status: 200 })
})

t.test('a file above the limit is refused, and leaves nothing', async t => {
  const { send, url, root } = await startFiles(t, { limits: { fileBytes: 1_000 } })
  const detail = 'file too large (at most 1000 bytes)'
  t.match(await send('PUT /files/p/f', {}, 'x'.repeat(1_000)), { status: 200 })
  const announced = await exchange(
    url,
    'PUT /files/q/f HTTP/1.1\r\nhost: s\r\ncontent-length: 1001\r\n\r\n',
  )
  t.match(announced, { status: 413, json: { detail } }, 'before its body')
  const chunk = `${(600).toString(16)}\r\n${'x'.repeat(600)}\r\n`
  const head = 'PUT /files/q/f HTTP/1.1\r\nhost: s\r\ntransfer-encoding: chunked\r\n\r\n'
  t.match(await exchange(url, [head, chunk, chunk]), { status: 413, json: { detail } }, 'within it')
  t.same(readdirSync(root), ['p'])
  t.same(readdirSync(join(root, 'p')), ['f'])
})

t.test('an upload that breaks off leaves the old file, and no folder', async t => {
  const { send, url, root } = await startFiles(t)
  await send('PUT /files/f', {}, 'old')
  for (const path of ['f', 'new/deep/f']) {
    const { port } = new URL(url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(`PUT /files/${path} HTTP/1.1\r\nhost: s\r\ncontent-length: 1000\r\n\r\nhalf of it`)
    await until(() => readdirSync(root).some(name => name.endsWith('.tmp')))
    t.equal(readFileSync(join(root, 'f'), 'utf8'), 'old', 'while it runs')
    socket.destroy()
    await until(() => readdirSync(root).length === 1)
  }
  t.same(readdirSync(root), ['f'])
  t.equal(readFileSync(join(root, 'f'), 'utf8'), 'old')
})

t.test('an upload that stops sending is closed', async t => {
  const { url, root } = await startFiles(t, { limits: { idleMilliseconds: 200 } })
  const head = 'PUT /files/f HTTP/1.1\r\nhost: s\r\ncontent-length: 1000\r\n\r\nhalf'
  await t.rejects(exchange(url, head), /the connection ended/)
  await until(() => readdirSync(root).length === 0)
  t.same(readdirSync(root), [])
})

t.test('a file that is cut while it is sent ends the connection', async t => {
  const { url, root } = await startFiles(t)
  const path = join(root, 'f')
  const bytes = 64 * 1024 * 1024
  writeFileSync(path, Buffer.alloc(bytes))
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1').pause()
  socket.write('GET /files/f HTTP/1.1\r\nhost: s\r\n\r\nGET /files HTTP/1.1\r\nhost: s\r\n\r\n')
  // Its head has come: the length is announced.
  await once(socket, 'readable')
  truncateSync(path, 32 * 1024 * 1024)
  let received = 0
  let tail = ''
  for await (const chunk of socket) {
    received += chunk.length
    tail = (tail + chunk.toString('latin1')).slice(-1_000)
  }
  t.ok(received < bytes, 'fewer bytes than announced')
  t.notMatch(tail, 'HTTP/1.1', 'no other answer follows in their place')
})

t.test('transfers that break off leave no file open', async t => {
  const { url, root } = await startFiles(t)
  writeFileSync(join(root, 'f'), Buffer.alloc(16 * 1024 * 1024))
  const { port } = new URL(url)
  const open = () =>
    readdirSync('/proc/self/fd').filter(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(root)
      } catch {
        return false
      }
    })
  // Node.js closes a forgotten file some time later, and says so.
  const warnings: string[] = []
  const warn = ({ message }: Error) => void warnings.push(message)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  for (let round = 0; round < 40; round += 1) {
    for (const request of [
      'GET /files/f HTTP/1.1\r\nhost: s\r\n\r\n',
      'GET /files HTTP/1.1\r\nhost: s\r\n\r\n',
      'PUT /files/new/f HTTP/1.1\r\nhost: s\r\ncontent-length: 9\r\n\r\nhalf',
    ]) {
      const socket = connect(Number(port), '127.0.0.1')
      socket.on('error', () => {})
      socket.write(request)
      // At different moments: before the file is open, while it is sent, before the reader has read.
      setTimeout(() => socket.destroy(), round / 2)
      await new Promise(resolve => socket.once('close', resolve))
    }
  }
  await until(() => open().length === 0 && readdirSync(root).length === 1)
  t.same(open(), [])
  t.same(warnings, [])
  t.same(readdirSync(root), ['f'])
})

const isRoot = process.getuid?.() === 0
t.test(
  'a full disk is 507, and the old file stays',
  { skip: !isRoot && 'only root can mount a small disk' },
  async t => {
    const { send, root } = await startFiles(t, { limits: { fileBytes: 8_000_000 } })
    const small = join(root, 'small')
    mkdirSync(small)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small])
    try {
      await send('PUT /files/small/f', {}, 'old')
      t.match(await send('PUT /files/small/f', {}, Buffer.alloc(4_000_000)), {
        status: 507,
        json: { detail: 'disk full: small/f is not stored' },
      })
      t.match(await send('GET /files/small/f'), { status: 200, text: 'old' })
      t.same(readdirSync(small), ['f'])
      t.match(await send('PUT /files/small/g', {}, Buffer.alloc(500_000)), { status: 200 })
    } finally {
      execFileSync('umount', [small])
    }
  },
)

t.test('a reader that pauses gets the bytes of the file', async t => {
  const { url, root } = await startFiles(t)
  const content = randomBytes(24 * 1024 * 1024)
  writeFileSync(join(root, 'f'), content)
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write('GET /files/f HTTP/1.1\r\nhost: s\r\nconnection: close\r\n\r\n')
  const chunks: Buffer[] = []
  let received = 0
  let paused = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    received += chunk.length
    // Until the kernel holds all that it can, and writes wait.
    if (received > paused * 4 * 1024 * 1024) {
      paused += 1
      await sleep(100)
    }
  }
  const answer = Buffer.concat(chunks)
  const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4)
  t.equal(body.length, content.length)
  t.ok(body.equals(content))
})

t.test('a large file goes up and down in little memory', async t => {
  const bytes = 300 * 1024 * 1024
  const { url, root } = await startFiles(t, { limits: { fileBytes: bytes } })
  const chunk = Buffer.alloc(1024 * 1024, 'data')
  const before = process.memoryUsage().rss
  let highest = 0
  const timer = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss)
  }, 20)
  t.teardown(() => clearInterval(timer))
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(`PUT /files/big HTTP/1.1\r\nhost: s\r\ncontent-length: ${bytes}\r\n\r\n`)
  for (let sent = 0; sent < bytes; sent += chunk.length) {
    if (!socket.write(chunk)) await new Promise(resolve => socket.once('drain', resolve))
  }
  const [answer] = (await new Promise<Buffer[]>(resolve => {
    socket.once('data', data => resolve([data]))
  })) as [Buffer]
  t.match(answer.toString(), `"size":${bytes}`)
  socket.write('GET /files/big HTTP/1.1\r\nhost: s\r\nconnection: close\r\n\r\n')
  const hash = createHash('sha256')
  let head = true
  let received = 0
  for await (const data of socket as AsyncIterable<Buffer>) {
    const body = head ? data.subarray(data.indexOf('\r\n\r\n') + 4) : data
    head = false
    received += body.length
    hash.update(body)
  }
  t.equal(received, bytes)
  const expected = createHash('sha256')
  for (let at = 0; at < bytes; at += chunk.length) expected.update(chunk)
  t.equal(hash.digest('hex'), expected.digest('hex'))
  t.ok(highest - before < 100 * 1024 * 1024, `${(highest - before) / 1024 / 1024} MiB`)
  t.same(readdirSync(root), ['big'])
})

async function until(condition: () => boolean) {
  for (let tries = 0; tries < 6_000; tries += 1) {
    if (condition()) return
    await sleep(10)
  }
  throw new Error('waited in vain')
}
