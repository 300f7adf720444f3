import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  addedStamp,
  customStamp,
  forgetSession,
  overlayStamp,
  quickStamp,
  rememberedSession,
  rememberSession,
  runsAsLeft,
} from '../../../src/cli/quick-session.ts'
import { imageAdditions } from '../../../src/config/image-additions.ts'
import { checkoutRoot } from '../../../src/config/paths.ts'
import { serviceNetworks } from '../../../src/stack/service-networks.ts'

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
  additions: { Dockerfile: 'FROM' },
}

const additions = imageAdditions({ CUSTOM_DIR: '/nonexistent' })
const added = addedStamp(additions)

t.test('every input of a stack is in the stamp', async t => {
  const root = t.testdir(checkout)
  const before = await quickStamp(root, root, {})
  t.equal(await quickStamp(root, root, {}), before, 'nothing changed')
  for (const path of [
    'compose.yaml',
    'pins.json',
    '.env',
    '.build/bundle/stamp',
    'proxy/squid.conf',
    'claude/scripts/seed',
    'gateway/Dockerfile',
    'additions/Dockerfile',
    'proxy/new',
  ]) {
    const last = await quickStamp(root, root, {})
    await writeFile(join(root, path), `changed ${path}`)
    t.not(await quickStamp(root, root, {}), last, path)
  }
  await rm(join(root, '.env'))
  const without = await quickStamp(root, root, {})
  t.not(await quickStamp(root, root, { ANTHROPIC_API_KEY: 'sk-1' }), without, 'the environment')
})

t.test('a secret is in the stamp as a hash only', async t => {
  const root = t.testdir(checkout)
  t.notMatch(await quickStamp(root, root, { ANTHROPIC_API_KEY: 'sk-ant-secret' }), /secret/)
})

const healthy = (service: string, changes: object = {}) => ({
  Id: `${service}-id`,
  Status: 'Up 3 minutes (healthy)',
  Labels: { 'com.docker.compose.service': service, 'claude-secure.fingerprint': 'f00d' },
  NetworkSettings: {
    Networks: Object.fromEntries(
      (serviceNetworks[service] ?? []).map(name => [`claude-secure-x-00000000_${name}`, {}]),
    ),
  },
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
  t.teardown(() => forgetSession(process.cwd()))
  const stamp = await quickStamp(checkoutRoot(), process.cwd(), {})
  rememberSession(process.cwd(), {
    stamp,
    overlays: overlayStamp(process.cwd()),
    customFolder: process.cwd(),
    custom: customStamp(process.cwd(), process.cwd()),
    additions,
    added,
    stack: 'claude-secure-x-00000000',
    workspace: process.cwd(),
    address: { socketPath },
    container: 'claude-id',
    fingerprint: 'f00d',
  })
}

const three = ['claude', 'gateway', 'proxy'].map(service => healthy(service))

/** What `start` asks before it opens the session at once. */
async function opensAtOnce(settings: Record<string, string> = {}) {
  const known = await rememberedSession(settings)
  return known !== null && (await runsAsLeft(known))
}

t.test('a stack that runs as it was left is known with one question', async t => {
  await remembered(t, three)
  t.equal(await opensAtOnce(), true)
})

t.test(
  'a changed setting, a sick or missing service, another container: the long way decides',
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

t.test('nothing remembered is no error', async t => {
  forgetSession(process.cwd())
  t.equal(await opensAtOnce(), false)
})

t.test('a folder with a very long name goes without', async t => {
  const folder = `/${'long'.repeat(100)}`
  t.doesNotThrow(() =>
    rememberSession(folder, {
      stamp: '',
      overlays: '',
      customFolder: '',
      custom: '',
      additions,
      added,
      stack: '',
      workspace: folder,
      address: { socketPath: '/s' },
      container: '',
      fingerprint: '',
    }),
  )
  t.doesNotThrow(() => forgetSession(folder))
})

t.test(
  'a protected file that comes, goes or is replaced is for the long way; a commit is not',
  async t => {
    const folder = t.testdir({ '.git': { HEAD: 'a', config: '' }, 'a.txt': '' })
    const before = overlayStamp(folder)
    const replace = async (path: string) => {
      await writeFile(join(folder, `${path}.new`), '')
      await rename(join(folder, `${path}.new`), join(folder, path))
    }
    await replace('.git/HEAD')
    await replace('a.txt')
    t.equal(overlayStamp(folder), before)
    await replace('.git/config')
    const replaced = overlayStamp(folder)
    t.not(replaced, before)
    await writeFile(join(folder, '.envrc'), '')
    t.not(overlayStamp(folder), replaced)
    await rm(join(folder, '.envrc'))
    t.equal(overlayStamp(folder), replaced)
  },
)

t.test('what was remembered with other protected files is not taken', async t => {
  await remembered(t, three)
  const folder = process.cwd()
  const known = await rememberedSession({})
  t.ok(known)
  if (known) rememberSession(folder, { ...known, overlays: 'other' })
  t.equal(await opensAtOnce(), false)
})

t.test('a linked worktree, where .git is a file, has a stamp too', async t => {
  const folder = t.testdir({ '.git': 'gitdir: /elsewhere/.git/worktrees/x\n' })
  const before = overlayStamp(folder)
  await writeFile(join(folder, '.envrc'), 'x')
  t.not(overlayStamp(folder), before)
})

t.test("a skill, the user's programs and his git configuration are looked at", async t => {
  const folder = t.testdir({ custom: { 'always-skills': { one: { 'SKILL.md': 'a' } } }, home: {} })
  const custom = join(folder, 'custom')
  const stamp = () => customStamp(custom, folder, join(folder, 'home'))
  const seen = new Set([stamp()])
  t.equal(stamp(), [...seen][0], 'nothing changed')
  await writeFile(join(custom, 'always-skills/one/SKILL.md'), 'changed')
  seen.add(stamp())
  await writeFile(join(custom, 'always-skills/SKILL.md'), 'new')
  seen.add(stamp())
  await writeFile(join(folder, 'home/.gitconfig'), '[user]')
  seen.add(stamp())
  await writeFile(join(custom, 'bin'), '')
  seen.add(stamp())
  await mkdir(join(folder, 'claude-secure.config.json'))
  seen.add(stamp())
  t.equal(seen.size, 5, 'a placeholder is none of it')
  t.ok(customStamp(join(folder, 'nowhere'), folder), 'a folder that is not there has a stamp too')
})

t.test('a change of what the user adds to the image is for the long way', async t => {
  const folder = t.testdir({ 'init.d': { 'a.sh': 'echo a' }, skills: { 'a.md': '' } })
  const mine = imageAdditions({ CUSTOM_DIR: folder })
  await remembered(t, three)
  const known = await rememberedSession({})
  t.ok(known)
  if (!known) return
  const remember = () =>
    rememberSession(process.cwd(), { ...known, additions: mine, added: addedStamp(mine) })
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
