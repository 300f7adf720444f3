import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { folderStack } from '../../src/stack/identity.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { collidingFolders } from '../support/stack/colliding-folders.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack, owner, removeStack } from '../support/stack/test-stack.ts'

const { checkout, env } = await createTestStack(t, {
  start: false,
  settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '' },
})
const parent = await temporaryFolder(t, 'workspaces')
const [first, second] = collidingFolders(parent)
const { name } = folderStack(first)
t.equal(folderStack(second).name, name, 'one name')
t.teardown(() => removeStack(name))
for (const folder of [first, second]) {
  await mkdir(folder, { recursive: true })
  await must('chown', ['-R', `${owner}:${owner}`, folder])
}
const other = { ...env, XDG_STATE_HOME: await temporaryFolder(t, 'state') }
const cli = (folder: string, args: readonly string[], environment = env) =>
  run(join(checkout, 'claude.ts'), args, { cwd: folder, env: environment })
const inAgent = (command: string) =>
  run('docker', ['exec', `${name}-claude-1`, 'sh', '-c', command])

t.test('a folder never uses the stack of another one whose name is the same', async t => {
  const set = await cli(first, ['config', '--here', 'AGENT_MEMORY=3g'])
  t.equal(set.code, 0, set.stderr)
  const started = await cli(first, ['start', '--detach'])
  t.equal(started.code, 0, started.stderr)
  t.equal((await inAgent('echo of the first > ~/note')).code, 0)

  for (const args of [['start', '--detach'], ['status'], ['run', 'hi'], ['config'], ['shell']]) {
    const outcome = await cli(second, args)
    t.not(outcome.code, 0, args.join(' '))
    t.match(outcome.stderr, /have the same stack name/, args.join(' '))
  }
})

t.test('a state folder that does not know the name makes no difference', async t => {
  for (const args of [['start', '--detach'], ['attach'], ['shell'], ['run', 'hi']]) {
    const { code, stderr } = await cli(second, args, other)
    t.not(code, 0, args.join(' '))
    t.match(stderr, /ha(ve|s) the same stack name/, args.join(' '))
  }
  await cli(parent, ['stop', second], other)
  t.equal((await inAgent('cat ~/note')).stdout, 'of the first\n', 'the other one still runs')
})

/** The same folder, by a user whose stacks these are not. */
const asOther = { ...other, SUDO_UID: '4242' }

t.test(
  "another user does not get a stack, its networks or its volumes by the folder's path",
  async t => {
    const labels = ['network', 'inspect', '--format', '{{json .Labels}}', `${name}_claude-internal`]
    t.match(JSON.parse(await must('docker', labels)), {
      'claude-secure.workspace': first,
      'claude-secure.owner': `${process.getuid?.()}`,
    })
    for (const args of [['start', '--detach'], ['status'], ['attach'], ['run', 'hi'], ['stop']]) {
      const { code, stderr } = await cli(first, args, asOther)
      t.not(code, 0, args.join(' '))
      t.match(
        stderr,
        /of uid \d+,? and \S+ of uid \d+ ha(?:ve|s) the same stack name/,
        args.join(' '),
      )
      t.match(stderr, /run this command as uid \d+; or remove that stack/, args.join(' '))
    }
    // As one without sudo: the uid of the folder's owner does not matter.
    t.equal((await cli(first, ['start', '--detach'])).code, 0)
  },
)

t.test('what remains after stop stays with its folder', async t => {
  const stopped = await cli(first, ['stop'])
  t.equal(stopped.code, 0, stopped.stderr)
  isTwoLines(t, await cli(second, ['start', '--detach'], other), {
    error: /the volume \S+ belongs to \S+, and \S+ has the same stack name/,
    hint: /rename one of the two folders/,
  })
  isTwoLines(t, await cli(first, ['start', '--detach'], asOther), {
    error: /the volume \S+ belongs to \S+ of uid \d+, and \S+ of uid 4242 has the same stack name/,
    hint: /run this command as uid \d+/,
  })
  const again = await cli(first, ['start', '--detach'])
  t.equal(again.code, 0, again.stderr)
  t.equal((await inAgent('cat ~/note')).stdout, 'of the first\n')
})
