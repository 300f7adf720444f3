import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { until } from '../../src/base/async.ts'
import { accessFolder, token } from '../integration/server/fixture.ts'
import { listen } from '../support/http/listen.ts'
import { freePort } from '../support/stack/free-port.ts'
import { person } from '../support/telegram/bot-objects.ts'
import { startTelegram } from '../support/telegram/stand-in.ts'
import { botToken } from '../support/telegram/token.ts'

const program = join(import.meta.dirname, '../../src/serve/main.ts')

function startProgram(t: Test, environment: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'server-program-'))
  for (const name of ['store', 'workers', 'secrets', 'workspaces/main', 'usage']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      STORE_FOLDER: join(root, 'store'),
      WORKERS_FOLDER: join(root, 'workers'),
      WORKER_SECRETS_FOLDER: join(root, 'secrets'),
      WORKSPACES_FOLDER: join(root, 'workspaces'),
      USAGE_FOLDER: join(root, 'usage'),
      CONTROL_SOCKET: join(root, 'control.sock'),
      ...environment,
    },
  })
  const lines = text(child.stdout)
  const exit = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
    rmSync(root, { recursive: true, force: true })
  })
  return { root, child, lines, exit }
}

t.test('the program serves until it is told to stop', async t => {
  const { folder } = accessFolder(t)
  const port = await freePort()
  const { child, lines, exit } = startProgram(t, {
    ACCESS_FOLDER: folder,
    SERVER_PORT: String(port),
    DRAIN_SECONDS: '1',
  })
  const url = `http://127.0.0.1:${port}`
  const health = () => fetch(`${url}/health`).catch(() => null)
  const answer = await until(health, { every: 50, timeout: 60_000 })
  t.same(await answer?.json(), { status: 'ok' })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  t.equal((await fetch(`${url}/status`)).status, 401)
  t.same(await (await fetch(`${url}/status`, { headers })).json(), { busyWorkspaces: [], runs: [] })
  const run = { method: 'POST', headers, body: '{"prompt":"the secret prompt"}' }
  const unreachable = await fetch(`${url}/run`, run)
  t.equal(unreachable.status, 503, 'the worker is not there')
  t.match(await unreachable.json(), { detail: 'the worker does not answer, retry later' })
  t.match(await (await fetch(`${url}/usage`, { headers })).json(), { tenant: 'main' })

  child.kill('SIGTERM')
  t.same(await exit, [0, null])
  const events = (await lines)
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
  t.match(events[0], { kind: 'listening', port, tenants: 1, tokens: 1 })
  t.match(
    events.find(({ kind }) => kind === 'run-refused'),
    { token: 'default', tenant: 'main', runId: /./, workspace: '/workspaces' },
  )
  t.match(events.at(-1), { kind: 'stopping', signal: 'SIGTERM' })
  t.notMatch(await lines, /secret prompt|cs_the/)
})

t.test(
  'the program does not start without a token, or with a webhook without a secret',
  async t => {
    const none = accessFolder(t, { tokens: [] })
    const first = startProgram(t, { ACCESS_FOLDER: none.folder })
    t.same(await first.exit, [1, null])
    t.match(JSON.parse(await first.lines), { kind: 'error', message: /has no token/, hint: /./ })

    const { folder } = accessFolder(t)
    const secret = join(folder, 'webhook')
    writeFileSync(secret, 'short')
    const second = startProgram(t, {
      ACCESS_FOLDER: folder,
      WEBHOOK_URL: 'https://hook.example',
      WEBHOOK_SECRET_FILE: secret,
    })
    t.same(await second.exit, [1, null])
    t.match(JSON.parse(await second.lines), { kind: 'error', message: /secret of at least 16/ })
  },
)

t.test('the program fires schedules without an API, and the host asks it on a socket', async t => {
  const { folder } = accessFolder(t)
  const port = await freePort()
  const cron = join(folder, 'cron.yml')
  writeFileSync(cron, 'jobs: [{ name: tick, schedule: "* * * * * *", instruction: x }]')
  const { root, child, lines, exit } = startProgram(t, {
    ACCESS_FOLDER: folder,
    SERVER_PORT: String(port),
    MODES: 'schedules',
    CRON_FILE: cron,
    DRAIN_SECONDS: '1',
  })
  const url = `http://127.0.0.1:${port}`
  const headers = { authorization: `Bearer ${token}` }
  const health = () => fetch(`${url}/health`).catch(() => null)
  const answer = await until(health, { every: 50, timeout: 60_000 })
  t.same(await answer?.json(), { status: 'ok' })
  t.equal((await fetch(`${url}/status`, { headers })).status, 404, 'the API is not served')
  const asked = async (request: object) => {
    const client = join(import.meta.dirname, '../../src/serve/control.ts')
    const args = [client, JSON.stringify(request), join(root, 'control.sock')]
    const asking = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    return JSON.parse((await text(asking.stdout)) || '{}')
  }
  const history = await until(
    async () => {
      const { runs } = await asked({ action: 'history', job: 'tick' })
      return runs?.some(({ status }: { status: string }) => status === 'refused') ? runs : null
    },
    { every: 100, timeout: 60_000 },
  )
  t.match(history?.at(-1), { job: 'tick', status: 'refused', error: /the worker does not answer/ })
  t.match(await asked({ action: 'pause' }), {
    kind: 'jobs',
    paused: true,
    jobs: [{ paused: true }],
  })
  t.match(await asked({ action: 'run', job: 'none' }), {
    kind: 'error',
    hint: /choose one of tick/,
  })
  t.match(await asked({ action: 'remove' }), { kind: 'error', message: /not valid/ })
  child.kill('SIGTERM')
  t.same(await exit, [0, null])
  t.match(await lines, /"kind":"schedule","job":"tick","event":"fired"/)
})

/** A proxy that tunnels, and notes what it was asked for. */
async function startProxy(t: Test) {
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request, client: Socket) => {
    asked.push(request.url ?? '')
    const [host, port] = (request.url ?? '').split(':')
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(target).pipe(client)
    })
    target.on('error', () => client.destroy())
    client.on('error', () => target.destroy())
    t.teardown(() => target.destroy())
  })
  const { port, close } = await listen(proxy, '127.0.0.1', 0)
  t.teardown(close)
  return { asked, url: `http://127.0.0.1:${port}` }
}

t.test('the program serves a bot through its proxy, and logs no token', async t => {
  const { folder } = accessFolder(t)
  const telegram = await startTelegram()
  t.teardown(() => telegram.close())
  const proxy = await startProxy(t)
  const { user, chat } = person(4711, 'Ann')
  writeFileSync(join(folder, 'telegram.yml'), `allowed_chats: [${chat.id}]`)
  writeFileSync(join(folder, 'telegram-token'), `${botToken}\n`)
  const { child, lines, exit } = startProgram(t, {
    ACCESS_FOLDER: folder,
    SERVER_PORT: String(await freePort()),
    MODES: 'telegram',
    TELEGRAM_FILE: join(folder, 'telegram.yml'),
    TELEGRAM_TOKEN_FILE: join(folder, 'telegram-token'),
    TELEGRAM_API: telegram.url,
    PROXY_URL: proxy.url,
    DRAIN_SECONDS: '1',
  })
  telegram.control.send({ chat, from: user, text: '/start' })
  const told = (pattern: RegExp) =>
    until(
      () => telegram.control.messages(chat.id).find(({ text }) => pattern.test(text ?? '')) ?? null,
      { every: 50, timeout: 60_000 },
    )
  t.ok(await told(/^claude bot ready$/))
  telegram.control.send({ chat, from: user, text: 'hello' })
  t.ok(await told(/^not started: the worker does not answer/))
  t.ok(proxy.asked.length > 0)
  t.ok(proxy.asked.every(target => telegram.url.endsWith(target)))
  child.kill('SIGTERM')
  t.same(await exit, [0, null])
  t.notMatch(await lines, /s3cretT/)

  writeFileSync(join(folder, 'telegram-token'), 'not a token')
  const second = startProgram(t, {
    ACCESS_FOLDER: folder,
    MODES: 'telegram',
    TELEGRAM_FILE: join(folder, 'telegram.yml'),
    TELEGRAM_TOKEN_FILE: join(folder, 'telegram-token'),
  })
  t.same(await second.exit, [1, null])
  t.match(JSON.parse(await second.lines), { message: /does not contain the token of a bot/ })
})
