import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { must, until } from '../support/stack/process.ts'
import { allowNames, createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { block: 2, allow: ['allowed.test'] })
const policy = join(stack.checkout, 'proxy/squid.conf')
const reached = async (name: string) =>
  (await stack.inside(['curl', '-sSk', '--max-time', '60', `https://${name}/`])).code === 0
const proxy = () =>
  must('docker', [
    'inspect',
    '--format',
    '{{.Id}} {{.State.StartedAt}} {{.RestartCount}}',
    stack.container('proxy'),
  ])
const status = async () => JSON.parse((await stack.cli(['status', '--json'])).stdout)
const started = await proxy()

t.test('an added name opens within seconds, without a restart of a container', async t => {
  t.notOk(await reached('other.test'))
  await allowNames(stack.checkout, ['other.test'])
  await until('other.test to open', () => reached('other.test'))
  t.equal(await proxy(), started)
  t.match(await status(), { allowlist: { names: 2, refused: null } })
})

/** A tunnel through the proxy that says `held` when it is open and asks again when told to. */
const tunnel = `
  const net = require('net'), tls = require('tls'), fs = require('fs')
  const socket = net.connect(3128, 'proxy')
  socket.write('CONNECT other.test:443 HTTP/1.1\\r\\nHost: other.test:443\\r\\n\\r\\n')
  socket.once('data', () => {
    const secure = tls.connect({ socket, servername: 'other.test', rejectUnauthorized: false }, () => {
      fs.writeFileSync('/tmp/held', '')
      const timer = setInterval(() => {
        if (!fs.existsSync('/tmp/go')) return
        clearInterval(timer)
        secure.write('GET / HTTP/1.1\\r\\nHost: other.test\\r\\nConnection: close\\r\\n\\r\\n')
      }, 50)
    })
    secure.on('data', data => process.stdout.write(data))
    secure.on('error', error => { console.log(error.message); process.exit(1) })
    secure.on('end', () => process.exit())
  })`

t.test('a removed name closes; an open tunnel continues', async t => {
  const answer = stack.inside(['node', '-e', tunnel], {})
  await until(
    'the tunnel',
    async () => (await stack.inside(['test', '-e', '/tmp/held'])).code === 0,
  )
  const text = await readFile(policy, 'utf8')
  // As editors do it: a new file in the place of the old one.
  await writeFile(`${policy}.new`, text.replace(/^acl allowed_sites .* other\.test\n/m, ''))
  await rename(`${policy}.new`, policy)
  await until('other.test to close', async () => !(await reached('other.test')))
  await stack.inside(['touch', '/tmp/go'])
  t.match((await answer).stdout, /reached-the-internet other\.test/)
  t.ok(await reached('allowed.test'))
  t.equal(await proxy(), started)
})

t.test('a bad edit keeps the previous policy, and logs and status say so', async t => {
  const text = await readFile(policy, 'utf8')
  await allowNames(stack.checkout, ['evil.test'])
  await writeFile(policy, `${await readFile(policy, 'utf8')}\nhttp_access alow all\n`)
  const refusal = await until(
    'status to tell of it',
    async () => (await status()).allowlist.refused as string | null,
  )
  t.match(refusal, /http_access/)
  t.match((await stack.cli(['status'])).stdout, /not in force: .*http_access/)
  t.match((await stack.cli(['logs', '-n', '50'])).stdout, /policy-refused.*http_access/)
  t.ok(await reached('allowed.test'), 'the old policy still opens what it did')
  t.notOk(await reached('evil.test'), 'and nothing of the new one is in force')
  t.equal(await proxy(), started)

  await t.test('a start then keeps the previous policy too', async t => {
    const { code } = await stack.cli(['start', '--detach'])
    t.equal(code, 0)
    t.notOk(await reached('evil.test'))
  })

  await writeFile(policy, text)
  await until('status to be content', async () => (await status()).allowlist.refused === null)
  t.ok(await reached('allowed.test'))
})

t.test('a policy that opens everything by its last rule is refused', async t => {
  const text = await readFile(policy, 'utf8')
  await writeFile(policy, text.replace(/^http_access deny all$/m, 'http_access allow all'))
  await until('the refusal', async () => (await status()).allowlist.refused)
  t.notOk(await reached('evil.test'))
  await writeFile(policy, text)
})
