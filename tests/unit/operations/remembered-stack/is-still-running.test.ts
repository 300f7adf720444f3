import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { imageAdditions } from '../../../../src/config/image-additions.ts'
import { checkoutRoot } from '../../../../src/config/paths.ts'
import { isStillRunning } from '../../../../src/operations/remembered-stack/is-still-running.ts'
import {
  forgetStack,
  rememberedStack,
  rememberStack,
} from '../../../../src/operations/remembered-stack/memory.ts'
import {
  additionsStamp,
  checkoutStamp,
  imageAdditionsStamp,
  overlayStamp,
} from '../../../../src/operations/remembered-stack/stamps.ts'
import { services } from '../../../../src/stack/services.ts'

// Not the state of whoever runs the tests.
process.env.XDG_STATE_HOME = await mkdtemp(join(tmpdir(), 'remembered-state-'))
t.teardown(() => rm(process.env.XDG_STATE_HOME ?? '', { recursive: true }))

const additions = imageAdditions({ CUSTOM_DIR: '/nonexistent' })
const added = imageAdditionsStamp(additions)

const healthy = (service: string, changes: object = {}) => ({
  Id: `${service}-id`,
  Status: 'Up 3 minutes (healthy)',
  Labels: { 'com.docker.compose.service': service, 'claude-secure.fingerprint': 'f00d' },
  NetworkSettings: {
    Networks: Object.fromEntries(
      (services.find(({ name }) => name === service)?.networks ?? []).map(name => [
        `claude-secure-x-00000000_${name}`,
        {},
      ]),
    ),
  },
  ...changes,
})

/** A folder whose last start was remembered, on an engine that answers with `containers`. */
async function remembered(t: Test, containers: unknown) {
  const folder = await mkdtemp(join(tmpdir(), 'remembered-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 'engine.sock')
  const server = createServer((_, response) => response.end(JSON.stringify(containers)))
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  t.teardown(() => server.close())
  t.teardown(() => forgetStack(process.cwd(), 'claude'))
  const stamp = await checkoutStamp(checkoutRoot(), process.cwd(), {})
  rememberStack(process.cwd(), 'claude', {
    stamp,
    overlays: overlayStamp(process.cwd()),
    ownSettings: '/s/settings.env',
    own: 'null',
    customFolder: process.cwd(),
    custom: additionsStamp(process.cwd(), process.cwd()),
    additions,
    added,
    stack: 'claude-secure-x-00000000',
    workspace: process.cwd(),
    address: { socketPath },
    container: 'claude-id',
    keeper: null,
    fingerprint: 'f00d',
  })
}

const three = ['claude', 'gateway', 'proxy'].map(service => healthy(service))

/** What `start` asks before it opens the session at once. */
async function opensAtOnce(settings: Record<string, string> = {}) {
  const known = await rememberedStack(settings, 'claude')
  return known !== null && (await isStillRunning(known, 'claude'))
}

t.test('an unchanged stack is recognised with one question', async t => {
  await remembered(t, three)
  t.equal(await opensAtOnce(), true)
})

t.test(
  'a changed setting, an unhealthy or missing service or another container needs a full start',
  async t => {
    await remembered(t, three)
    t.equal(await opensAtOnce({ AGENT_CPUS: '2' }), false, 'a setting in the environment')
    for (const [what, containers] of [
      ['sick', [healthy('claude', { Status: 'Up 1 second (unhealthy)' }), ...three.slice(1)]],
      ['restarting', [...three.slice(0, 2), healthy('proxy', { Status: 'Restarting (1)' })]],
      ['missing', three.slice(0, 2)],
      ['other settings', [...three.slice(0, 2), healthy('proxy', { Labels: {} })]],
      ['another agent', [healthy('claude', { Id: 'new' }), ...three.slice(1)]],
      ['none', []],
      ['nonsense', 'hello'],
    ] as const) {
      await remembered(t, containers)
      t.equal(await opensAtOnce(), false, what)
    }
  },
)

t.test('a missing memory is not an error', async t => {
  forgetStack(process.cwd(), 'claude')
  t.equal(await opensAtOnce(), false)
})

t.test('a folder with a very long name is not remembered', async t => {
  const folder = `/${'long'.repeat(100)}`
  t.doesNotThrow(() =>
    rememberStack(folder, 'claude', {
      stamp: '',
      overlays: '',
      ownSettings: '/s/settings.env',
      own: 'null',
      customFolder: '',
      custom: '',
      additions,
      added,
      stack: '',
      workspace: folder,
      address: { socketPath: '/s' },
      container: '',
      keeper: null,
      fingerprint: '',
    }),
  )
  t.doesNotThrow(() => forgetStack(folder, 'claude'))
})

t.test('a memory with other protected files is not used', async t => {
  await remembered(t, three)
  const folder = process.cwd()
  const known = await rememberedStack({}, 'claude')
  t.ok(known)
  if (known) rememberStack(folder, 'claude', { ...known, overlays: 'other' })
  t.equal(await opensAtOnce(), false)
})

t.test("a change of the user's image additions needs a full start", async t => {
  const folder = t.testdir({ 'init.d': { 'a.sh': 'echo a' }, skills: { 'a.md': '' } })
  const mine = imageAdditions({ CUSTOM_DIR: folder })
  await remembered(t, three)
  const known = await rememberedStack({}, 'claude')
  t.ok(known)
  if (!known) return
  const remember = () =>
    rememberStack(process.cwd(), 'claude', {
      ...known,
      additions: mine,
      added: imageAdditionsStamp(mine),
    })
  remember()
  t.equal(await opensAtOnce(), true)
  await writeFile(join(folder, 'skills/a.md'), 'not in the image')
  t.equal(await opensAtOnce(), true)
  await writeFile(join(folder, 'init.d/a.sh'), 'echo other')
  t.equal(await opensAtOnce(), false, 'another script')
  remember()
  await writeFile(join(folder, 'Dockerfile'), 'ARG CLAUDE')
  t.equal(await opensAtOnce(), false, 'a Dockerfile')
  remember()
  await symlink('/etc/passwd', join(folder, 'init.d/b.sh'))
  t.equal(await opensAtOnce(), false, 'what the long way refuses')
})
