// exclusive: measures memory under load
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { createHostileClients, memoryOf, startsOf } from '../../support/chaos/hostile-clients.ts'
import { must, run, until } from '../../support/stack/process.ts'
import { createTestServer, startTestServer } from '../../support/stack/test-server.ts'
import { owner } from '../../support/stack/test-stack.ts'

const patient = 300_000
const mega = 1024 * 1024
/** Of the 512 MB of the container, with room for what is outside of the process. */
const mostMemory = 440 * mega

// The limit of memory is the default: 512 MB.
const server = await createTestServer(t, {
  start: false,
  settings: { FILE_LIMIT_MB: '400' },
  tenants: 'tenants: [{ name: main }, { name: small }]',
})
const small = join(server.workspaces, 'small')
const store = join(
  server.env.XDG_STATE_HOME ?? '',
  'claude-secure/stacks',
  server.stack,
  'server-data',
)
for (const [folder, size] of [
  [small, '4m'],
  [store, '32m'],
] as const) {
  await mkdir(folder, { recursive: true })
  const options = `size=${size},mode=0700,uid=${owner},gid=${owner}`
  await must('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  t.teardown(() => run('umount', ['--lazy', folder]))
}
await startTestServer(server)
const added = await server.serve(['token', 'add', 'small', '--tenant', 'small'])
const smallToken = added.stdout.trim()
await until('the token', async () => {
  return (await server.request('/status', { token: smallToken })).status === 200
})
const clients = createHostileClients(server)
const before = await startsOf(server, ['server', 'ingress'])

const put = (path: string, body: Uint8Array | ReadableStream, token = server.token) =>
  fetch(`${server.url}${path}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}` },
    body,
    duplex: 'half',
    signal: AbortSignal.timeout(patient),
  } as RequestInit)
const post = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/run`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/json',
      ...headers,
    },
    body,
    signal: AbortSignal.timeout(patient),
  })
const Detail = z.object({ detail: z.unknown() })
const detailOf = async (answer: Response) =>
  JSON.stringify(Detail.parse(await answer.json()).detail)

/** Requests of good clients, of both tenants, while an attack goes on. */
async function expectServed(t: Test, during: string) {
  for (const [name, token] of [
    ['main', server.token],
    ['small', smallToken],
  ] as const) {
    const timeout = patient
    t.equal((await server.request('/status', { token, timeout })).status, 200, `${name}: ${during}`)
    t.equal((await put('/files/good/a.txt', Buffer.from(during), token)).status, 200)
    const { status, text } = await server.request('/files/good/a.txt', { token, timeout })
    t.same({ status, text }, { status: 200, text: during })
  }
  t.equal(await startsOf(server, ['server', 'ingress']), before, 'neither of them died')
  const memory = await memoryOf(server)
  t.ok(memory < mostMemory, `${Math.round(memory / mega)} MB: ${during}`)
}

function closeAll(sockets: readonly Socket[]) {
  for (const socket of sockets) socket.destroy()
}

t.test('a thousand idle connections make room for others', async t => {
  const sockets = clients.idle(1_000)
  t.teardown(() => closeAll(sockets))
  await expectServed(t, 'idle connections')
  const open = () => sockets.filter(({ destroyed }) => !destroyed).length
  await until('the oldest to be closed', async () => open() <= 512, patient)
  await expectServed(t, 'those that are left')
})

t.test('300 MB go up and down in little memory, and more than the limit does not', async t => {
  const chunk = Buffer.alloc(mega, 'x')
  const sum = createHash('sha256')
  const chunks = function* () {
    for (let count = 0; count < 300; count++) {
      sum.update(chunk)
      yield chunk
    }
  }
  const uploading = put(
    '/files/big/300.bin',
    Readable.toWeb(Readable.from(chunks())) as ReadableStream,
  )
  await expectServed(t, 'an upload of 300 MB')
  t.match(await (await uploading).json(), { size: 300 * mega })
  const answer = await fetch(`${server.url}/files/big/300.bin`, {
    headers: { authorization: `Bearer ${server.token}` },
    signal: AbortSignal.timeout(patient),
  })
  const back = createHash('sha256')
  for await (const part of answer.body ?? []) back.update(part)
  t.equal(back.digest('hex'), sum.digest('hex'))
  const announced = await clients.raw(
    `${clients.head('PUT /files/big/500.bin')}content-length: ${500 * mega}\r\n\r\nx`,
  )
  t.match(announced, /^HTTP\/1.1 413 [\s\S]*file too large/)
  const tooLong = await clients.raw(
    `${clients.head('POST /run')}content-type: application/json\r\ncontent-length: ${300 * mega}\r\n\r\n{`,
  )
  t.match(tooLong, /^HTTP\/1.1 413 [\s\S]*the body is larger than/)
  await expectServed(t, 'after the large ones')
})

t.test('readers of one byte in a second are closed, and hold no answers meanwhile', async t => {
  const body = { prompt: '[[stream 300 100 4000]]', workspace: 'good', async: true }
  const { json } = await server.request('/run', { body })
  const { runId } = z.object({ runId: z.string() }).parse(json)
  const sockets = [
    ...Array.from({ length: 40 }, () => clients.slowReader('GET /files/big/300.bin')),
    ...Array.from({ length: 40 }, () => clients.slowReader(`GET /run/events?runId=${runId}`)),
  ]
  t.teardown(() => closeAll(sockets))
  const downloads = sockets.slice(0, 40)
  await until(
    'the answers to begin',
    async () => downloads.every(one => one.bytesRead > 0),
    patient,
  )
  await expectServed(t, 'slow readers')
  // The clients do not see it: what waits for them in their kernel hides the end.
  const closed = async () => {
    const { stdout } = await run('docker', ['logs', server.container('server')])
    return stdout.match(/"route":"\/files","status":499/g)?.length ?? 0
  }
  await until('the downloads to be closed', async () => (await closed()) >= 40, 600_000)
  await expectServed(t, 'after the slow readers')
  const ended = async () => {
    const answer = await server.request(`/run/result?runId=${runId}`)
    return z.object({ type: z.literal('result') }).safeParse(answer.json).success
  }
  t.ok(await until('the run', ended, patient), 'the run went on')
})

t.test('bombs of JSON and of compression are refused, also many at once', async t => {
  const deep = `{"prompt":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
  const many = `{"prompt":[${'1,'.repeat(1_000_000)}1]}`
  const wide = `{"prompt":"x","x":{${Array.from({ length: 200_000 }, (_, i) => `"${i}":0`).join()}}}`
  for (const [name, bomb, detail] of [
    ['levels', deep, /more than 64 levels/],
    ['values', many, /more than 100000 values/],
    ['members', wide, /more than 100000 values/],
  ] as const) {
    const answer = await post(bomb)
    t.equal(answer.status, 422, name)
    t.match(await detailOf(answer), detail)
  }
  const zipped = gzipSync(Buffer.alloc(200 * mega, ' '))
  t.ok(zipped.length < mega)
  t.match(await post(zipped, { 'content-encoding': 'gzip' }), { status: 422 }, 'not unpacked')
  const large = Buffer.from(`{"prompt":"${'\\u0041'.repeat(6 * mega)}"}`)
  // A client that still sends when it is refused can lose the connection before it reads the answer.
  const statusOf = () =>
    post(large).then(
      ({ status }) => status,
      () => 0,
    )
  const answers = Promise.all(Array.from({ length: 20 }, statusOf))
  await expectServed(t, 'large bodies')
  const statuses = await answers
  t.ok(
    statuses.every(status => [0, 200, 400, 409, 422, 503].includes(status)),
    `${statuses}`,
  )
  t.ok(statuses.includes(503), 'not all were read at once')
  await expectServed(t, 'after the bombs')
})

t.test('CR, LF and NUL reach no header, log line or path', async t => {
  for (const bytes of [
    `${clients.head('GET /status')}x: a\rset-cookie: forged\r\n\r\n`,
    `${clients.head('GET /status')}idempotency-key: a\x00b\r\n\r\n`,
    `${clients.head('GET /status')}x: a\n b: forged\r\n\r\n`,
    `${clients.head('GET /sta\x00tus')}\r\n`,
  ]) {
    const answer = await clients.raw(bytes)
    t.match(answer, /^HTTP\/1.1 400 Bad Request\r\n[\s\S]*{"detail":"Bad Request"}$/)
    t.notMatch(answer, /forged/)
  }
  const name = '/files/good/a%0d%0aset-cookie:%20forged'
  t.equal((await put(name, Buffer.from('x'))).status, 200, 'a name is bytes')
  const answer = await clients.raw(`${clients.head(`GET ${name}`)}connection: close\r\n\r\n`)
  t.match(answer, /^HTTP\/1.1 200 /)
  t.notMatch(answer, /^set-cookie/im)
  for (const [path, expected] of [
    ['/files/good/a%00b', 400],
    ['/files/%00', 400],
    ['/run/result?runId=%00%0d%0aforged', 404],
    ['/none%0d%0aset-cookie:%20forged', 404],
  ] as const) {
    const { status, text } = await server.request(path)
    t.equal(status, expected, path)
    t.match(text, /^{"detail":/)
  }
  const workspace = await post(JSON.stringify({ prompt: 'x', workspace: 'good\0/../..' }))
  t.match(await workspace.text(), /workspace not found/)
  const { stdout } = await run('docker', ['logs', server.container('server')])
  const lines = stdout.trim().split('\n')
  t.ok(lines.length > 10)
  for (const line of lines) JSON.parse(line)
  t.notMatch(stdout, 'forged')
})

t.test('a full disk of a workspace is 507 for its tenant, and nothing to the other', async t => {
  t.equal((await put('/files/kept.txt', Buffer.from('kept'), smallToken)).status, 200)
  const over = await put('/files/kept.txt', Buffer.alloc(8 * mega), smallToken)
  t.equal(over.status, 507)
  t.match(await detailOf(over), /full|space/)
  const { text } = await server.request('/files/kept.txt', { token: smallToken })
  t.equal(text, 'kept', 'the old file stays')
  await expectServed(t, 'a full workspace')
})

t.test(
  'a full disk of the store refuses runs clearly, and they start again with space',
  async t => {
    const filler = join(store, 'filler')
    await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'])
    // The first ones still find room in a part of the store that was written before.
    const attempt = async () => {
      const answer = await post(
        JSON.stringify({ prompt: '[[stream 300 1 4000]]', workspace: 'good' }),
      )
      return answer.status === 200 ? null : answer
    }
    const refused = await until('a refusal', attempt, patient)
    t.equal(refused.status, 507)
    t.match(await detailOf(refused), /the disk of the server is full/)
    await expectServed(t, 'a full store')
    await writeFile(filler, '')
    const again = await until(
      'a run',
      async () => {
        const answer = await post(JSON.stringify({ prompt: 'x [[say yes]]', workspace: 'good' }))
        return answer.status === 200 ? answer.json() : null
      },
      patient,
    )
    t.match(again, { result: 'yes' })
  },
)
