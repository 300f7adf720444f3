import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { silentLog } from '../../src/base/log.ts'
import { clientEnvironment } from '../../src/config/environment.ts'
import { Settings } from '../../src/config/settings.ts'
import { findClient } from '../../src/engine/find-client.ts'
import { findEngine } from '../../src/engine/find-engine.ts'
import { buildImages } from '../../src/images/images.ts'
import { readPins } from '../../src/images/pins.ts'
import { exec, execOk } from '../../src/process/exec.ts'
import { comparableLists, listsScript, packagesOfTarget } from '../support/docker/tool-list.ts'

// The image itself, run as the stack runs it: any uid, nothing writable but home, /tmp and /run.
const root = join(import.meta.dirname, '../..')
const { found } = await findEngine(process.env)
const env = clientEnvironment(found?.dockerHost ?? '')
const docker = (await findClient(env))?.file ?? 'docker'
const images = await buildImages({
  log: silentLog,
  settings: Settings.parse({ CUSTOM_DIR: '/nonexistent' }),
  pins: await readPins(root),
  target: 'minimal',
  client: { kind: 'docker', file: docker, env },
  network: process.env,
  only: ['claude'],
  root,
})

const run = (args: string[], input = '') =>
  exec(docker, ['run', '--rm', '--interactive', '--network=none', ...args], { env, input })

/** A home volume as a start finds it, and what the seed makes of it. */
async function seed(t: Test, options: { uid: string; before?: string; variable?: string }) {
  const volume = `claude-secure-test-${randomBytes(6).toString('hex')}`
  t.teardown(() => exec(docker, ['volume', 'rm', '--force', volume], { env }))
  const inside = [
    '[ -z "$BEFORE" ] || printf %s "$BEFORE" > ~/.claude.json',
    'claude-secure-seed',
    'test -e /run/claude-ready',
    'cat ~/.claude.json',
  ].join(' && ')
  const { code, stdout, stderr } = await run([
    '--user',
    `${options.uid}:${options.uid}`,
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges:true',
    '--read-only',
    '--tmpfs=/tmp:size=64m,mode=1777,noexec,nosuid,nodev',
    '--tmpfs=/run:size=16m,mode=1777,noexec,nosuid,nodev',
    '--volume',
    `${volume}:/home/claude`,
    '--env',
    `BEFORE=${options.before ?? ''}`,
    '--env',
    options.variable ?? 'NONE=',
    images.claude,
    'sh',
    '-c',
    inside,
  ])
  t.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

t.test('no file of the image is setuid or setgid (C1)', async t => {
  const { stdout } = await run([
    '--user=0',
    images.claude,
    'find',
    '/',
    '-xdev',
    '-perm',
    '/6000',
    '-type',
    'f',
  ])
  t.equal(stdout, '')
})

t.test('the image is no larger than promised', async t => {
  const { stdout } = await execOk(
    docker,
    ['image', 'inspect', '--format={{.Size}}', images.claude],
    { env },
  )
  t.ok(Number(stdout) <= 700_000_000, `${stdout.trim()} bytes`)
})

t.test('no setting, certificate or proxy of the host is in it', async t => {
  const { stdout } = await run([
    '--user=0',
    images.claude,
    'sh',
    '-c',
    'cat /etc/apt/apt.conf.d/* ; find /run/secrets /etc/apt -type f -size +0 -name "*build*" 2>/dev/null',
  ])
  t.notMatch(stdout, /Proxy|CAInfo|99build|secrets/)
})

t.test('the tools answer, and the agent is told of them', async t => {
  const { code, stdout } = await run([
    '--user=4242:4242',
    '--read-only',
    '--tmpfs=/tmp',
    images.claude,
    'sh',
    '-c',
    'set -e; claude --version; node --version; npm --version; npx --version; git --version; rg --version; jq --version; tmux -V; perl -MPOSIX -MEncode -MFile::Find -e 1; cat /etc/claude-code/CLAUDE.md',
  ])
  t.equal(code, 0)
  t.match(stdout, (await readPins(root)).claude.x64.version)
  t.match(stdout, /^- git 2\.\d/m)
  t.match(stdout, /^- node v24\./m)
  t.match(stdout, '`allow NAME`')
})

t.test('the list of tools names every installed tool and nothing else', async t => {
  const { stdout } = await run([images.claude, 'sh', '-c', listsScript])
  const { told, there } = comparableLists(stdout, packagesOfTarget('minimal'))
  t.same(told, there)
  t.ok(told.length > 10)
})

t.test('a new home answers the first-run questions, for any uid', async t => {
  for (const uid of ['1000', '4242']) {
    t.match(await seed(t, { uid }), {
      hasCompletedOnboarding: true,
      bypassPermissionsModeAccepted: true,
      projects: { '/workspace': { hasTrustDialogAccepted: true } },
    })
  }
})

t.test("existing settings in the home stay, and the stack's key is approved", async t => {
  const before = JSON.stringify({
    theme: 'light',
    mcpServers: { mine: {} },
    customApiKeyResponses: { approved: ['other'], rejected: ['cdefghijklmnopqrstuv'] },
    projects: { '/elsewhere': { x: 1 }, '/workspace': { history: ['y'] } },
  })
  const variable = 'ANTHROPIC_API_KEY=sk-ant-api03-abcdefghijklmnopqrstuv'
  t.match(await seed(t, { uid: '1000', before, variable }), {
    theme: 'light',
    mcpServers: { mine: {} },
    customApiKeyResponses: { approved: ['other', 'cdefghijklmnopqrstuv'], rejected: [] },
    projects: {
      '/elsewhere': { x: 1 },
      '/workspace': { history: ['y'], hasTrustDialogAccepted: true },
    },
  })
})

t.test('a home that an agent damaged does not stop the start', async t => {
  for (const before of ['{', '[]', '"x"', '{"projects":7,"customApiKeyResponses":[]}']) {
    t.match(await seed(t, { uid: '1000', before }), { hasCompletedOnboarding: true }, before)
  }
})

t.test('the session refuses to run without a terminal', async t => {
  const { code, stderr } = await run([images.claude, 'claude-secure-session'])
  t.equal(code, 2)
  t.match(stderr, /^error: the session needs a terminal\nhint: /)
})
