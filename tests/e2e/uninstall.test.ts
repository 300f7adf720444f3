import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { run } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { workspaceOwner: 0, files: { 'a.txt': 'a\n' } })
// The downloads of the machine that runs the tests stay.
const cache = await temporaryFolder(t, 'cache')
const uninstall = (...options: string[]) =>
  run(join(stack.checkout, 'claude.ts'), ['uninstall', ...options], {
    cwd: '/',
    env: { ...stack.env, XDG_CACHE_HOME: cache },
  })
const docker = async (...args: string[]) => (await run('docker', args)).stdout.trim()
const volumes = () => docker('volume', 'ls', '--quiet', '--filter', `name=${stack.stack}_`)
const containers = () => docker('ps', '--all', '--quiet', '--filter', `name=^${stack.stack}-`)
const state = join(stack.env.XDG_STATE_HOME ?? '', 'claude-secure')

t.test('uninstall lists first, and asks', async t => {
  const shown = await uninstall('--dry-run')
  t.equal(shown.code, 0, shown.stderr)
  t.match(shown.stdout, /1 running, to be stopped first:\n.*\n {4}the copy of the folder/)
  t.match(shown.stdout, `not touched, yours to delete:\n  ${stack.checkout}\n`)
  const asked = await uninstall()
  t.equal(asked.code, 1)
  t.match(asked.stderr, /confirmation required[\s\S]*--yes/)
  t.equal((await stack.inside(['true'])).code, 0, 'the stack still runs')
})

t.test('a copy with unapplied changes is kept and named; the rest goes', async t => {
  t.equal((await stack.inside(['sh', '-c', 'echo b > /workspace/b.txt'])).code, 0)
  const { code, stdout, stderr } = await uninstall('--yes')
  t.equal(code, 0, stderr)
  t.match(
    stdout,
    /kept, because the changes in the copy are not applied:\n.*\n.*1 unapplied change/,
  )
  t.match(stderr, /kept [0-9a-f]{8}: its copy \(volume \S+_workspace\) has unapplied changes/)
  t.match(await volumes(), /./)
  t.equal(await containers(), '')
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  const diff = await stack.cli(['diff', '--stat'])
  t.match(diff.stdout, /b\.txt/, 'and the next start finds it')
})

t.test('with --force nothing of it is left', async t => {
  const { code, stderr } = await uninstall('--yes', '--force')
  t.equal(code, 0, stderr)
  t.equal(await volumes(), '')
  t.equal(await containers(), '')
  t.notOk(existsSync(state))
  t.ok(existsSync(join(stack.checkout, '.env')))
})
