import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import {
  announcer,
  createRunNames,
  readAnnouncement,
} from '../../../../src/gateway/counting/run-names.ts'
import type { Caller } from '../../../../src/gateway/credential.ts'
import { createRunAnnouncer } from '../../../../src/runner/turn/announce-run.ts'

t.test('a free request announces the run to the gateway', async t => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    seen.push(
      `${method} ${url} ${headers['x-claude-secure-meter']} ${headers['x-claude-secure-run']}`,
    )
    response.writeHead(seen.length === 1 ? 200 : 503).end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  await once(server, 'listening')
  const announceRun = createRunAnnouncer(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  )
  t.equal(await announceRun('0123456789abcdef', 'aaaaaaaaaaaaaaaa'), true)
  t.equal(
    await announceRun('0123456789abcdef', 'bbbbbbbbbbbbbbbb'),
    false,
    'one without a credential',
  )
  t.equal(seen[0], 'HEAD / 0123456789abcdef aaaaaaaaaaaaaaaa')
})

t.test('no other host is told, and an absent gateway does not delay a run', async t => {
  t.equal(await createRunAnnouncer(undefined)('a', 'b'), false)
  t.equal(await createRunAnnouncer('https://api.anthropic.com')('a', 'b'), false)
  t.equal(await createRunAnnouncer('http://127.0.0.1:9')('a', 'b'), false)
})

t.test('with a key, the gateway takes each announcement once, even of one millisecond', async t => {
  const signer = { placeholder: 'sk-ant-api03-placeholder', key: 'k'.repeat(43) }
  const caller: Caller = {
    ...{ tenant: null, budget: {} },
    placeholder: signer.placeholder,
    meterKey: signer.key,
  }
  const names = createRunNames({ since: 0 })
  const seen: (readonly string[])[] = []
  const server = createServer(({ rawHeaders }, response) => {
    seen.push(rawHeaders)
    const found = readAnnouncement(rawHeaders)
    const isGood = found && announcer(found, [caller]) === caller && names.take(found)
    response.writeHead(isGood ? 200 : 403).end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const times = [1_700_000_000_000, 1_700_000_000_000, 1_600_000_000_000]
  const announceRun = createRunAnnouncer(base, signer, () => times.shift() ?? 0)
  for (const run of ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb', 'cccccccccccccccc']) {
    t.equal(await announceRun('0123456789abcdef', run), true, run)
    t.equal(names.of('0123456789abcdef'), run)
  }
  const forged = createRunAnnouncer(base, { ...signer, key: 'z'.repeat(43) })
  t.equal(await forged('0123456789abcdef', 'dddddddddddddddd'), false)
  t.equal(await createRunAnnouncer(base)('0123456789abcdef', 'dddddddddddddddd'), false)
  t.notMatch(seen.flat().join('\n'), /kkk|placeholder/)
})
