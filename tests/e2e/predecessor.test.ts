import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { probes } from '../../src/audit/probes/index.ts'
import { auditStack } from '../support/mutation/mutable-stack.ts'
import { holesOfThePredecessor } from '../support/mutation/predecessor-holes.ts'
import { copyCheckout, repository, temporaryFolder } from '../support/stack/checkout.ts'
import { must, run, until } from '../support/stack/process.ts'
import { removeStack } from '../support/stack/test-stack.ts'

t.test('the audit finds the holes of a usual setup', async t => {
  const stack = 'claude-secure-predecessor-00000000'
  const workspace = await temporaryFolder(t, 'workspace')
  const hostHome = await temporaryFolder(t, 'home')
  await mkdir(join(hostHome, '.claude'))
  await must('chown', ['-R', '4242:4242', workspace, hostHome])
  const fixture = join(repository, 'tests/fixtures/predecessor')
  const image = async (name: string) => {
    const tags = await must('docker', ['images', '--format', '{{.Repository}}:{{.Tag}}', name])
    return tags.trim().split('\n')[0] ?? ''
  }
  const env = {
    ...process.env,
    STACK_NAME: stack,
    CLAUDE_IMAGE: await image('claude-secure/claude'),
    PROXY_IMAGE: await image('claude-secure/proxy'),
    API_KEY: `sk-ant-api03-${'predecessor'.repeat(8)}AA`,
    WORKSPACE: workspace,
    HOST_HOME: hostHome,
    CONFIGURATION: join(fixture, 'squid.conf'),
  }
  await removeStack(stack)
  t.teardown(() => removeStack(stack))
  await must(
    'docker',
    ['compose', '--project-name', stack, '--file', join(fixture, 'compose.yaml')].concat([
      '--env-file',
      '/dev/null',
      'up',
      '--detach',
      '--pull',
      'never',
    ]),
    { env },
  )
  await until('the proxy to listen', async () => {
    const table = ['exec', `${stack}-proxy-1`, 'cat', '/proc/net/tcp', '/proc/net/tcp6']
    return (await run('docker', table)).stdout.includes(':0C38 ')
  })
  const state = await temporaryFolder(t, 'state')
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = state
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  })

  const results = await auditStack({ stack, checkout: await copyCheckout(t) }, probes)
  const open = results.filter(({ verdict }) => verdict === 'open').map(({ id }) => id)
  for (const { id, hole } of holesOfThePredecessor) t.ok(open.includes(id), `${id}: ${hole}`)
  const unknown = results.filter(({ verdict }) => verdict === 'unknown')
  t.strictSame(
    unknown.map(({ id, checks }) => [id, checks]),
    [],
    'everything could be tried',
  )
})
