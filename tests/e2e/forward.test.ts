import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { openBrowser } from '../support/forward/browser.ts'
import { repository } from '../support/stack/checkout.ts'
import { freePort } from '../support/stack/free-port.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const support = join(repository, 'tests/support/forward')
const page = await readFile(join(support, 'page.html'), 'utf8')
// No page comes from the internet, so this stack has none.
const stack = await createTestStack(t, {
  start: false,
  settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '' },
  files: {
    'page.html': page,
    'dev-server.mjs': await readFile(join(support, 'dev-server.mjs'), 'utf8'),
    'www/index.html': `<script src="/app.js"></script><script>
      new EventSource('/esbuild').addEventListener('change', () => location.reload())</script>`,
    'app.js': '',
    // Answers the hash of what it got, once its client has sent everything.
    'sum.mjs': `import { createHash } from 'node:crypto'
      import { createServer } from 'node:net'
      createServer({ allowHalfOpen: true }, socket => {
        const hash = createHash('sha256')
        socket.on('data', chunk => hash.update(chunk))
        socket.on('end', () => socket.end(hash.digest('hex')))
      }).listen(7000, '127.0.0.1')`,
  },
})
await cp(join(repository, 'node_modules/ws'), join(stack.workspace, 'node_modules/ws'), {
  recursive: true,
  dereference: true,
})
const esbuild = join(repository, 'node_modules/@esbuild', `linux-${process.arch}/bin/esbuild`)
await cp(esbuild, join(stack.workspace, 'esbuild'), { dereference: true })
await must('chmod', ['-R', 'a+rX', stack.workspace])
await must(join(stack.checkout, 'claude.ts'), ['start', '--detach'], {
  cwd: stack.workspace,
  env: stack.env,
})
const background = (...command: string[]) =>
  must('docker', [
    'exec',
    '--detach',
    '--workdir',
    '/workspace',
    stack.container('claude'),
    ...command,
  ])
await background('node', 'dev-server.mjs')
await background('node', 'sum.mjs')

const [dev, bundler, sum, unused] = [
  await freePort(),
  await freePort(),
  await freePort(),
  await freePort(),
]
const forwarded = await stack.cli([
  'forward',
  '--detach',
  ...[`5173:${dev}`, `8000:${bundler}`, `7000:${sum}`, `9999:${unused}`],
])
t.teardown(() => stack.cli(['forward', '--close']))
const id = stack.stack.slice(-8)
const site = (port: number) => `http://${id}.localhost:${port}`

const ask = async (port: number, sent: string | Buffer, host = '127.0.0.1') => {
  const socket = connect({ host, port, allowHalfOpen: true })
  socket.end(sent)
  return text(socket)
}
/** In one write: a reader between the two steps of a usual one would find an empty file. */
const overwrite = (path: string, content: string) => writeFile(path, content, { flag: 'r+' })
const get = (...lines: string[]) => `${['GET / HTTP/1.1', ...lines].join('\r\n')}\r\n\r\n`

await until('the server of the project', async () =>
  /version/.test(await ask(dev, get('Host: localhost')).catch(() => '')),
)
await until('the server that counts', async () =>
  /^[0-9a-f]{64}$/.test(await ask(sum, 'x').catch(() => '')),
)

type Report = { kind: string; body: string; cookie: string }
const reports = async (): Promise<Report[]> => {
  const answer = await fetch(`http://127.0.0.1:${dev}/reports`)
  return (await answer.json()) as Report[]
}
/** Waits for a report. A page that failed says why, and no later one comes. */
const report = (what: string, wanted: (report: Report) => boolean) =>
  until(
    what,
    async () => {
      const all = await reports()
      const failed = all.find(({ body }) => body.startsWith('failed: '))
      if (failed) throw new Error(`${what}: ${failed.body}`)
      return all.find(wanted)
    },
    180_000,
  ).catch(async error => {
    throw new Error(`${error.message}; reported: ${JSON.stringify(await reports())}`)
  })

t.test('forward answers with addresses of the stack, and says what a page may do', async t => {
  t.equal(forwarded.code, 0, forwarded.stderr)
  t.strictSame(
    forwarded.stdout.trim().split('\n'),
    [dev, bundler, sum, unused].map(port => site(port)),
  )
  t.match(forwarded.stderr, /warning: pages of the agent run in your browser/)
})

t.test('a page of the agent works in a browser of the host', async t => {
  // Another server of this host, where the user is logged in.
  const login = createServer((_, response) => {
    response.setHeader('set-cookie', 'session=of-the-user')
    response.setHeader('location', `${site(dev)}/`)
    response.writeHead(302).end()
  })
  await once(login.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => login.close())
  const { port } = login.address() as AddressInfo

  await writeFile(
    join(stack.workspace, 'app.js'),
    `fetch('${site(dev)}/bundle', { method: 'POST', mode: 'no-cors', body: 'bundle one' })`,
  )
  const serve = ['--serve=127.0.0.1:8000', '--servedir=www', '--outdir=www', '--watch=forever']
  await background('/workspace/esbuild', 'app.js', '--bundle', ...serve)
  await until('the bundler', async () =>
    /200/.test(await ask(bundler, get('Host: localhost')).catch(() => '')),
  )
  // This bundler accepts no name but its own address.
  const framed = `${page}<iframe src="http://127.0.0.1:${bundler}/"></iframe>`
  await writeFile(join(stack.workspace, 'page.html'), framed)
  await openBrowser(t, `http://localhost:${port}/`, [port, dev, bundler])

  const first = await report('the page', ({ kind }) => kind === 'page')
  t.equal(first.body, 'version one, 50 assets, echo true')
  t.equal(first.cookie, '', 'the login at another server of this host stays there')
  await report('the bundle', ({ body }) => body === 'bundle one')

  await overwrite(join(stack.workspace, 'page.html'), framed.replace('one', 'two'))
  const second = await report('the changed page', ({ body }) => body.startsWith('version two'))
  t.equal(second.body, 'version two, 50 assets, echo true', 'a websocket loaded it again')

  const app = await readFile(join(stack.workspace, 'app.js'), 'utf8')
  await overwrite(join(stack.workspace, 'app.js'), app.replace('bundle one', 'bundle two'))
  await report('the changed bundle', ({ body }) => body === 'bundle two')
})

t.test('another website gets no answer of the agent', async t => {
  t.match(await ask(dev, get('Host: 127.0.0.1')), /version/)
  t.match(await ask(dev, get('Host: rebound.test')), /^HTTP\/1\.1 403 /)
  t.match(await ask(dev, 'x / HTTP/1.1\r\nHost: rebound.test\r\n\r\n'), /^HTTP\/1\.1 403 /)
  const upgrade = ['Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade']
  const key = ['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version: 13']
  t.match(await ask(dev, get(...upgrade, ...key, 'Origin: https://evil.test')), /^HTTP\/1\.1 403 /)
})

t.test('bytes arrive unchanged, and a half-closed connection still answers', async t => {
  const sent = randomBytes(5_000_000)
  t.equal(await ask(sum, sent), createHash('sha256').update(sent).digest('hex'))
})

t.test('a browser reads that nothing listens on a port', async t => {
  t.match(await ask(unused, get('Host: localhost')), /502 [\s\S]*nothing listens on port 9999/)
})

t.test('only the loopback of this host listens, and the stack has no new opening', async t => {
  const addresses = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
  const isOurs = (address: string) =>
    Object.values(networkInterfaces()).some(list => list?.some(own => own.address === address))
  for (const { address } of addresses) {
    const error = await ask(dev, 'x', address).catch(({ code }) => code)
    // The network of another stack may be removed in this moment.
    if (error !== 'ECONNREFUSED' && !isOurs(address)) continue
    t.equal(error, 'ECONNREFUSED', address)
  }
  const audit = await stack.cli(['audit', '--verbose', '--probe', 'B2', 'N12', 'N1'])
  t.equal(audit.code, 0, audit.stdout)
  t.match(audit.stdout, 'forwarded ports listen on the loopback only')
})

t.test('list shows the forwards, and a port of this host is forwarded once', async t => {
  const { stdout } = await stack.cli(['forward', '--list'])
  t.match(stdout, `${site(dev)} → claude:5173\n`)
  const json = JSON.parse((await stack.cli(['forward', '--list', '--json'])).stdout)
  t.match(json, { version: 1, forwards: { length: 4 } })
  t.match((await stack.cli(['status'])).stdout, `claude:5173`)
  const again = await stack.cli(['forward', `5173:${dev}`])
  t.equal(again.code, 1)
  t.match(again.stderr, new RegExp(`^error: 127\\.0\\.0\\.1:${dev} is in use\nhint:  `, 'm'))
})

t.test('the audit notices a forward that others reach, or that answers any website', async t => {
  const wrong = createServer((_, response) => response.end('anything'))
  await once(wrong.listen(0, '0.0.0.0'), 'listening')
  t.teardown(() => wrong.close())
  const { port } = wrong.address() as AddressInfo
  const folder = join(
    stack.env.XDG_STATE_HOME ?? '',
    'claude-secure/stacks',
    stack.stack,
    'forwards',
  )
  const record = JSON.parse(await readFile(join(folder, `${dev}.json`), 'utf8'))
  await writeFile(join(folder, `${port}.json`), JSON.stringify({ ...record, local: port }))
  const audit = await stack.cli(['audit', '--json', '--probe', 'B2'])
  await must('rm', [join(folder, `${port}.json`)])
  t.equal(audit.code, 1, audit.stdout)
  const [probe] = JSON.parse(audit.stdout).probes
  const open = probe.checks.filter(({ verdict }: { verdict: string }) => verdict === 'open')
  t.match(open, [
    { claim: 'forwarded ports listen on the loopback only', evidence: new RegExp(`${port}`) },
    { claim: 'forwarded ports answer only pages of this machine', evidence: new RegExp(`${port}`) },
  ])
  t.equal(open.length, 2)
})

t.test('close closes, and Ctrl-C ends a forward of the terminal with success', async t => {
  const closed = await stack.cli(['forward', '--close', String(unused)])
  t.match(closed.stderr, 'closed: ')
  await t.rejects(ask(dev, 'x'), { code: 'ECONNREFUSED' }, 'the same command held it')
  const child = spawn(join(stack.checkout, 'claude.ts'), ['forward', `5173:${dev}`], {
    cwd: stack.workspace,
    env: stack.env,
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  t.equal(`${line}`, `${site(dev)}\n`)
  t.match(await ask(dev, get('Host: localhost')), /version/)
  child.kill('SIGINT')
  t.strictSame(await once(child, 'close'), [0, null])
})

t.test(
  'the program in the container may be killed; the end of the container ends the forward',
  async t => {
    const child = spawn(join(stack.checkout, 'claude.ts'), ['forward', `5173:${dev}`], {
      cwd: stack.workspace,
      env: stack.env,
    })
    t.teardown(() => child.kill('SIGKILL'))
    const stderr = text(child.stderr)
    const ended = once(child, 'close')
    await once(child.stdout, 'data')
    // As the agent could: it runs as the same user.
    await stack.inside(['pkill', '-KILL', '-f', 'input-type=module-typescript'])
    await until('another one', async () =>
      /version/.test(await ask(dev, get('Host: localhost')).catch(() => '')),
    )
    const stopped = await stack.cli(['stop'])
    t.equal(stopped.code, 0, stopped.stderr)
    t.strictSame(await ended, [1, null])
    t.match(await stderr, /error: the claude container of \S+ stopped\nhint: {2}run \S+ start/)
    t.equal((await stack.cli(['forward', '--list'])).stdout, '')
    const down = await stack.cli(['forward', '5173'])
    t.match(down.stderr, /error: nothing is running in/)
    const { stdout } = await run('docker', [
      'ps',
      '--all',
      '--quiet',
      '--filter',
      `name=${stack.stack}`,
    ])
    t.equal(stdout, '')
  },
)
