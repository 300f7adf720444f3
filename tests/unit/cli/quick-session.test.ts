import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  findRunningAgent,
  forgetQuickSession,
  quickSessionPath,
  quickStamp,
} from '../../../src/cli/quick-session.ts'
import { checkoutRoot } from '../../../src/config/paths.ts'
import { stackName } from '../../../src/workspace/stack-name.ts'

// Not the state of whoever runs the tests.
process.env.XDG_STATE_HOME = await mkdtemp(join(tmpdir(), 'quick-state-'))
t.teardown(() => rm(process.env.XDG_STATE_HOME ?? '', { recursive: true }))

const checkout = {
  'compose.yaml': 'services',
  'pins.json': '{}',
  '.env': 'AGENT_CPUS=1',
  '.build': { bundle: { stamp: '' } },
  proxy: { 'squid.conf': 'acl' },
  claude: { Dockerfile: 'FROM', scripts: { seed: '#!' } },
  gateway: { Dockerfile: 'FROM' },
}

t.test('every input of a stack is in the stamp', async t => {
  const root = t.testdir(checkout)
  const before = quickStamp(root, root, {})
  t.equal(quickStamp(root, root, {}), before, 'nothing changed')
  for (const path of [
    'compose.yaml',
    'pins.json',
    '.env',
    '.build/bundle/stamp',
    'proxy/squid.conf',
    'claude/scripts/seed',
    'gateway/Dockerfile',
    'proxy/new',
  ]) {
    const last = quickStamp(root, root, {})
    await writeFile(join(root, path), `changed ${path}`)
    t.not(quickStamp(root, root, {}), last, path)
  }
  await rm(join(root, '.env'))
  const without = quickStamp(root, root, {})
  t.not(quickStamp(root, root, { ANTHROPIC_API_KEY: 'sk-1' }), without, 'the environment')
})

t.test('a secret is in the stamp as a hash only', async t => {
  const root = t.testdir(checkout)
  t.match(quickStamp(root, root, { ANTHROPIC_API_KEY: 'sk-ant-secret' }), /^[0-9a-f]{64}$/)
})

const healthy = (service: string, changes: object = {}) => ({
  Id: `${service}-id`,
  Status: 'Up 3 minutes (healthy)',
  Labels: { 'com.docker.compose.service': service, 'claude-secure.fingerprint': 'f00d' },
  ...changes,
})

/** A folder whose last start was remembered, on an engine that answers with `containers`. */
async function remembered(t: Test, containers: unknown) {
  const folder = await mkdtemp(join(tmpdir(), 'quick-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 'engine.sock')
  const server = createServer((_, response) => response.end(JSON.stringify(containers)))
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  t.teardown(() => server.close())
  const stack = stackName(process.cwd())
  const path = quickSessionPath(stack)
  await mkdir(join(path, '..'), { recursive: true })
  t.teardown(() => forgetQuickSession(stack))
  const stamp = quickStamp(checkoutRoot(), process.cwd(), {})
  await writeFile(path, JSON.stringify({ stamp, address: { socketPath }, fingerprint: 'f00d' }))
  return { address: { socketPath } }
}

const three = ['claude', 'gateway', 'proxy'].map(service => healthy(service))

t.test('the agent of a stack that runs as it was left is found with one question', async t => {
  const { address } = await remembered(t, three)
  t.same(await findRunningAgent({}), { address, container: 'claude-id' })
})

t.test(
  'a changed setting, a sick or missing service, another stack: the long way decides',
  async t => {
    await remembered(t, three)
    t.equal(await findRunningAgent({ AGENT_CPUS: '2' }), null, 'a setting in the environment')
    for (const [what, containers] of [
      ['sick', [healthy('claude', { Status: 'Up 1 second (unhealthy)' }), ...three.slice(1)]],
      ['restarting', [...three.slice(0, 2), healthy('proxy', { Status: 'Restarting (1)' })]],
      ['missing', three.slice(0, 2)],
      ['other settings', [...three.slice(0, 2), healthy('proxy', { Labels: {} })]],
      ['none', []],
      ['nonsense', 'hello'],
    ] as const) {
      await remembered(t, containers)
      t.equal(await findRunningAgent({}), null, what)
    }
  },
)

t.test('nothing remembered is no error', async t => {
  forgetQuickSession(stackName(process.cwd()))
  t.equal(await findRunningAgent({}), null)
})
