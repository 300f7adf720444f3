import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createControlScript } from '../support/stack/control-script.ts'
import { run } from '../support/stack/process.ts'
import { removeStack } from '../support/stack/test-stack.ts'

const script = await createControlScript(t)
// The images and their downloads are those of the machine.
const { XDG_CACHE_HOME: _ours, ...env } = script.env
const folder = join(env.XDG_STATE_HOME ?? '', 'claude-secure/demo/welcome')
const inDemo = (args: readonly string[], input = '') =>
  run(join(script.checkout, 'claude.ts'), args, { cwd: folder, env, input })

t.teardown(async () => {
  const { stack } = JSON.parse((await inDemo(['status', '--json'])).stdout)
  await inDemo(['stop'])
  await removeStack(stack)
})

t.test('demo needs no account: an answer, three refusals, the next step', async t => {
  const { code, stdout, stderr } = await run(
    join(script.checkout, 'claude.ts'),
    ['demo', '--yes'],
    {
      cwd: script.workspace,
      env,
      timeout: 1_500_000,
    },
  )
  t.equal(code, 0, stderr)
  t.notMatch(stderr, /this machine is ready/, 'the demo goes on by itself')
  t.match(stdout, /> Read welcome\.txt[\s\S]*Claude Code read this file inside a container/)
  t.equal(stdout.match(/^refused {2}/gm)?.length, 3)
  t.notMatch(stdout, /^OPEN/m)
  t.match(stdout, new RegExp(`cd ${folder} && ${script.checkout}/claude\\.ts start`))
  t.match(stdout, /ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN into .*\/\.env/)
  t.match(stdout, /claude\.ts run "Read welcome\.txt/)
  t.match(stdout, /claude\.ts stop [0-9a-f]{8} {3}# when you are done/)
  t.equal(
    (await stat(join(folder, '../..'))).mode & 0o777,
    0o700,
    'its state is for its user alone',
  )
  t.notMatch(stdout, /\x1b/, 'no colours where there is no terminal')
})

t.test(
  'the stack is left running, and a start in its folder continues with the rehearsal',
  async t => {
    const report = JSON.parse((await inDemo(['status', '--json'])).stdout)
    t.match(report, { running: true, credentials: { mode: 'rehearsal', weakness: null } })
    t.ok(report.services.some(({ name }: { name: string }) => name === 'rehearsal'))
    const { code, stderr } = await inDemo(['start', '--detach'])
    t.equal(code, 0, stderr)
    t.match(JSON.parse((await inDemo(['status', '--json'])).stdout), {
      credentials: { mode: 'rehearsal' },
    })
  },
)

t.test('its stop also stops the rehearsal', async t => {
  const { code, stderr } = await inDemo(['stop'])
  t.equal(code, 0, stderr)
  t.match(JSON.parse((await inDemo(['status', '--json'])).stdout), { running: false, services: [] })
})

t.test('a start in its folder continues with the rehearsal after a stop too', async t => {
  const { code, stderr } = await inDemo(['start', '--detach'])
  t.equal(code, 0, stderr)
  t.match(stderr, /the demo's scripted model answers here/)
  t.match(JSON.parse((await inDemo(['status', '--json'])).stdout), {
    running: true,
    credentials: { mode: 'rehearsal' },
  })
  const schema = '{"type":"object","properties":{"says":{"type":"string"}},"required":["says"]}'
  const answer = await inDemo(['run', 'What says welcome.txt?', '--json-schema', schema])
  t.equal(answer.code, 0, answer.stderr)
  t.match(JSON.parse(answer.stdout).says, /Claude Code read this file/)
  t.equal((await inDemo(['stop'])).code, 0)
})

t.test('a second demo works like the first', async t => {
  const { code, stdout, stderr } = await run(
    join(script.checkout, 'claude.ts'),
    ['demo', '--yes'],
    {
      cwd: script.workspace,
      env,
      timeout: 300_000,
    },
  )
  t.equal(code, 0, stderr)
  t.match(stdout, /Claude Code read this file/)
})
