import { chmod, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'

const script = await createControlScript(t)
const policy = join(script.checkout, 'proxy/squid.conf')
const shipped = await readFile(policy, 'utf8')
const text = () => readFile(policy, 'utf8')
const none = { DOCKER_HOST: 'unix:///nowhere' }

t.test('without an engine the file is edited all the same, and that is said', async t => {
  const { code, stdout, stderr } = await script.run(['allow', 'api.github.com'], { env: none })
  t.equal(code, 0, stderr)
  t.equal(stdout, '+ api.github.com (agent)\n')
  t.match(stderr, /no container engine answers: Squid checks the edit when a stack starts/)
  t.match(await text(), /^acl allowed_sites dstdomain -n api\.github\.com$/m)
  t.match(
    (await script.run(['allowlist'], { env: none })).stdout,
    /the agent:\n {2}api\.github\.com\n/,
  )
  t.equal((await script.run(['deny', 'api.github.com'], { env: none })).code, 0)
  t.equal(await text(), shipped)
})

t.test('an engine that has no proxy image yet is no obstacle', async t => {
  const env = { DOCKER_HOST: await startFakeEngine(t, goodEngine) }
  const { code, stderr } = await script.run(['allow', 'api.github.com', '--dry-run'], { env })
  t.equal(code, 0, stderr)
  t.match(stderr, /there is no proxy image yet[\s\S]*nothing was changed/)
})

t.test('the list of the server stack is another one, also by its earlier name', async t => {
  await script.run(['allow', '--server', 'api.github.com'], { env: none })
  const lists = JSON.parse((await script.run(['allowlist', '--json'], { env: none })).stdout)
  t.match(lists, { version: 1, agent: [], server: [{ name: 'api.github.com', until: null }] })
  await script.run(['deny', '--services', 'api.github.com'], { env: none })
  const model = await script.run(['allow', '--server', 'api.anthropic.com'], { env: none })
  t.equal(model.code, 0, model.stderr)
  await script.run(['deny', '--server', 'api.anthropic.com'], { env: none })
  t.equal(await text(), shipped)
})

t.test('all names or none', async t => {
  isTwoLines(t, await script.run(['allow', 'api.github.com', 'github.io'], { env: none }), {
    error: /github\.io is shared/,
    hint: /--force/,
  })
  t.equal(await text(), shipped)
})

t.test('wrong usage', async t => {
  const cases = [
    { args: ['allow'], error: /missing required argument 'names'/, hint: /--help/ },
    { args: ['allow', 'a.test', '--for', 'ever'], error: /--for ever/, hint: /--for 2h/ },
    { args: ['allow', '@yarn'], error: /unknown preset @yarn/, hint: /@npm/ },
    { args: ['log', '--since', 'then'], error: /--since then/, hint: /--since 10m/ },
  ]
  for (const { args, error, hint } of cases) {
    isTwoLines(t, await script.run(args, { env: none }), { error, hint, code: 2 })
  }
})

t.test('log needs a stack', async t => {
  const env = { DOCKER_HOST: await startFakeEngine(t, goodEngine) }
  isTwoLines(t, await script.run(['log', '--denied'], { env }), {
    error: /nothing is running in /,
    hint: /start/,
  })
})

t.test('a preset asks the user’s client, and not the project', async t => {
  const folder = await temporaryFolder(t, 'client')
  await writeFile(
    join(folder, 'npm'),
    '#!/bin/sh\ncat .npmrc 2>/dev/null || echo https://npm.mirror.test/\n',
  )
  await chmod(join(folder, 'npm'), 0o755)
  await writeFile(join(script.workspace, '.npmrc'), 'https://evil.test/\n')
  const env = { ...none, PATH: [folder, script.env.PATH].join(delimiter) }
  const { stdout, stderr } = await script.run(['allow', '@npm'], { env })
  t.equal(stdout, '+ npm.mirror.test (agent)\n')
  t.match(stderr, /note: @npm is npm\.mirror\.test/)
  await script.run(['deny', '@npm'], { env })
  t.equal(await text(), shipped)
})

t.test('what is typed does not reach the terminal as it is', async t => {
  for (const command of ['allow', 'deny']) {
    const { stderr, stdout } = await script.run([command, '\x1b]0;owned\x07a b'], { env: none })
    t.notMatch(stdout + stderr, /\x1b|\x07/)
  }
})
