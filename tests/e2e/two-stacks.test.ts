import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { stackId } from '../../src/stack/identity.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack, type TestStack } from '../support/stack/test-stack.ts'

const one = await createTestStack(t, { block: 2, files: { 'a.txt': 'of one\n' } })
const two = await createTestStack(t, { block: 3, files: { 'a.txt': 'of two\n' } })
const services = ['claude', 'gateway', 'proxy']

async function addresses(stack: TestStack, service: string): Promise<string[]> {
  const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'
  const text = await must('docker', ['inspect', '--format', format, stack.container(service)])
  return text.trim().split(' ')
}

t.test('two stacks run side by side, each with its own network, volume and workspace', async t => {
  t.not(one.stack, two.stack)
  t.equal((await one.inside(['cat', '/workspace/a.txt'])).stdout, 'of one\n')
  t.equal((await two.inside(['cat', '/workspace/a.txt'])).stdout, 'of two\n')
  t.match(JSON.parse((await one.cli(['status', '--json'])).stdout), { running: true })
  t.match(JSON.parse((await two.cli(['status', '--json'])).stdout), { running: true })
  await one.inside(['sh', '-c', 'echo secret > ~/note'])
  t.not((await two.inside(['sh', '-c', 'cat ~/note'])).code, 0)
})

t.test('no service of one reaches a port of the other', async t => {
  const targets: string[] = []
  for (const service of services) {
    for (const address of await addresses(two, service)) {
      for (const port of [3128, 8787, 22]) targets.push(`${address}/${port}`)
    }
  }
  t.ok(targets.length >= 18)
  const attempts = targets
    .map(target => `(timeout 3 bash -c 'exec 3<>/dev/tcp/${target}' && echo reached ${target}) &`)
    .join('\n')
  for (const service of ['claude', 'gateway']) {
    const { stdout } = await one.inside(['bash', '-c', `${attempts}\nwait`], { service })
    t.equal(stdout, '', service)
  }
  const own = await addresses(one, 'proxy')
  const control = await one.inside([
    'bash',
    '-c',
    own.map(ip => `timeout 60 bash -c 'exec 3<>/dev/tcp/${ip}/3128' && echo reached`).join('; '),
  ])
  t.match(control.stdout, /reached/, 'the same attempt does reach the own proxy')
})

t.test('nor does its own proxy lead there, by address or by name', async t => {
  for (const target of [...(await addresses(two, 'proxy')), two.container('gateway'), two.stack]) {
    const { code, stdout } = await one.inside([
      'curl',
      '-sS',
      '--max-time',
      '5',
      '--proxytunnel',
      `http://${target}:8787/`,
    ])
    t.not(code, 0, target)
    t.equal(stdout, '', target)
  }
  for (const name of [two.container('gateway'), two.container('proxy'), `claude.${two.stack}`]) {
    t.not((await one.inside(['getent', 'hosts', name])).code, 0, name)
  }
})

t.test('the placeholder of one stack is worthless in the other', async t => {
  const placeholder = (await one.inside(['printenv', 'ANTHROPIC_API_KEY'])).stdout.trim()
  t.not(placeholder, (await two.inside(['printenv', 'ANTHROPIC_API_KEY'])).stdout.trim())
  const { stdout } = await two.inside([
    ...['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', '-H', `x-api-key: ${placeholder}`],
    ...['-H', 'content-type: application/json', '-d', '{}', 'http://gateway:8787/v1/messages'],
  ])
  t.match(stdout, /^40[13]$/)
})

t.test('a folder that has the id of another stack as its name stops neither of them', async t => {
  const place = await temporaryFolder(t, 'place')
  const id = stackId(one.stack)
  await symlink(two.workspace, join(place, id))
  const stop = () =>
    run(join(one.checkout, 'claude.ts'), ['stop', id], { cwd: place, env: one.env })
  isTwoLines(t, await stop(), {
    error: new RegExp(`${id} matches 2 stacks: `),
    hint: new RegExp(`type \\./${id} for the folder, or a whole name: .*${one.stack}`),
  })
  for (const stack of [one, two]) {
    t.match(JSON.parse((await stack.cli(['status', '--json'])).stdout), { running: true })
  }
})

t.test('stop in one folder leaves the other running', async t => {
  await one.internet.detach()
  t.equal((await one.cli(['stop'])).code, 0)
  t.match(JSON.parse((await one.cli(['status', '--json'])).stdout), { running: false })
  t.match(JSON.parse((await two.cli(['status', '--json'])).stdout), { running: true })
})
