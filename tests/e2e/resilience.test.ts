import { spawn } from 'node:child_process'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { must, type Outcome, run, until } from '../support/stack/process.ts'
import { createTestStack, startTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { block: 2, allow: ['allowed.test'], start: false })
// The engine's next look comes soon.
const compose = join(stack.checkout, 'compose.yaml')
await writeFile(
  compose,
  (await readFile(compose, 'utf8')).replaceAll('interval: 30s', 'interval: 10s'),
)
await startTestStack(stack)
const ask = (prompt: string) =>
  stack.inside(['claude', '--dangerously-skip-permissions', '-p', prompt], { timeout: 600_000 })
const curl = (name: string) =>
  stack.inside(['curl', '-sS', '--max-time', '60', '-k', `https://${name}/`])
const inspect = async (service: string, format: string) =>
  (await must('docker', ['inspect', '--format', format, stack.container(service)])).trim()
const healthy = (service: string) =>
  until(
    `${service} to be healthy again`,
    async () => (await inspect(service, '{{.State.Health.Status}}')) === 'healthy',
  )

/** What an open window would let through: tried again and again until it is told to stop. */
function tryToLeave() {
  const attempt =
    'while :; do curl -sk --max-time 2 https://evil.test/; curl -sk --max-time 2 --noproxy "*" https://203.0.113.1/; curl -s --max-time 2 http://gateway:8787/v1/files; sleep 0.05; done'
  const child = spawn('docker', ['exec', stack.container('claude'), 'sh', '-c', attempt])
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  return {
    async end() {
      child.kill()
      await stack.inside(['pkill', 'curl'])
      return output
    },
  }
}

for (const service of ['gateway', 'proxy']) {
  t.test(
    `kill -9 of the ${service} in mid-stream: it comes back by itself, and nothing leaks`,
    async t => {
      await stack.internet.forgetModelRequests()
      const before = (await stack.internet.events()).length
      const restarts = Number(await inspect(service, '{{.RestartCount}}'))
      const leaving = tryToLeave()
      const streaming = ask('[[stream 120 50 10]]')
      await until('the answer to begin', async () =>
        (await stack.internet.modelRequests()).some(({ outcome }) => outcome === 'open'),
      )
      await must('kill', ['-9', await inspect(service, '{{.State.Pid}}')])
      await until(
        'the engine to restart it',
        async () => Number(await inspect(service, '{{.RestartCount}}')) > restarts,
      )
      await healthy(service)
      const outcome: Outcome = await streaming
      t.notMatch(outcome.stdout + outcome.stderr, /SENTINEL/)

      const next = await ask('[[say back again]]')
      t.equal(next.code, 0, next.stderr)
      t.equal(next.stdout.trim(), 'back again')
      t.notMatch(await leaving.end(), /reached-the-internet|SENTINEL/)
      const events = (await stack.internet.events()).slice(before)
      t.same(
        events.filter(event => event.kind !== 'dns' || event.name.includes('evil')),
        [],
        'the internet saw nothing but the model requests',
      )
      for (const { host, path } of await stack.internet.modelRequests()) {
        t.equal(host, 'api.anthropic.com')
        t.match(path, /^\/v1\/messages/)
      }
      t.equal((await curl('allowed.test')).code, 0, 'what is allowed is allowed again')
      t.not((await curl('evil.test')).code, 0)
    },
  )
}

t.test('start waits for a service that is briefly unhealthy', async t => {
  await until('a start that meets it', async () => {
    // The engine calls it unhealthy from then on until its next look, which may come before that of start.
    await must('docker', ['pause', stack.container('gateway')])
    await must('docker', ['unpause', stack.container('gateway')])
    const { code, stderr } = await stack.cli(['start', '--detach'])
    t.equal(code, 0, stderr)
    return /waiting for gateway to be healthy again/.test(stderr)
  })
  t.equal((await ask('[[say well again]]')).stdout.trim(), 'well again')
})

t.test('a proxy without a policy does not come back, so there is no way out', async t => {
  const path = `${stack.checkout}/proxy/squid.conf`
  await rename(path, `${path}.away`)
  await must('kill', ['-9', await inspect('proxy', '{{.State.Pid}}')])
  await until('it to give up again and again', async () =>
    /policy-refused|cannot be read/.test(
      (await run('docker', ['logs', '--tail', '20', stack.container('proxy')])).stdout,
    ),
  )
  t.not((await curl('allowed.test')).code, 0)
  await rename(`${path}.away`, path)
  await healthy('proxy')
  t.equal((await curl('allowed.test')).code, 0, 'and with it, it does')
})
