import { spawn } from 'node:child_process'
import { cp, lstat, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { holdName, lockFolder } from '../../src/process/name-lock.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { must, type Outcome, until } from '../support/stack/process.ts'
import { createTestStack, owner } from '../support/stack/test-stack.ts'

/*
 * Root applies the copy of a folder whose owner exchanges it, or the folder above it, for a link (threat
 * H7). The owner acts at the moment between the reading of the copy and the first write, and in a loop.
 */
const skip = process.getuid?.() === 0 ? false : 'only root writes into the folders of others'

const stack = await createTestStack(t, {
  start: false,
  files: { Makefile: 'inside', 'sub/kept': 'inside' },
  settings: { WORKSPACE_MODE: 'copy', EXTERNAL_SUBNET: '', PROXY_DNS: '' },
})
const workspace = await realpath(stack.workspace)
const above = dirname(workspace)
await must('chown', [`${owner}:${owner}`, above])

const outside = await temporaryFolder(t, 'outside')

/** Each entry with its owner and content: names of another owner are a write too. */
async function listing(folder: string): Promise<string[]> {
  const lines = (await readdir(folder, { recursive: true })).map(async name => {
    const status = await lstat(join(folder, name))
    const text = status.isFile() ? await readFile(join(folder, name), 'utf8') : ''
    return `${name} ${status.mode} ${status.uid} ${status.mtimeMs} ${text}`
  })
  return (await Promise.all(lines)).sort()
}

/** Makes the folder outside the same as the workspace, so that no difference stops a write; returns its listing. */
async function mirrored() {
  for (const name of await readdir(outside)) await rm(join(outside, name), { recursive: true })
  for (const to of [outside, join(outside, 'project')]) {
    await cp(workspace, to, { recursive: true })
  }
  return listing(outside)
}

const asOwner = ['--reuid', `${owner}`, '--regid', `${owner}`, '--clear-groups']

/** Runs a script of the folder's owner, with the folder in `$1`, its other place in `$2`, and the link in `$3`. */
const ownerRuns = (script: string, real: string) =>
  must('setpriv', [...asOwner, 'sh', '-euc', script, 'sh', real, `${real}.kept`, outside])
const exchange = 'mv -T "$1" "$2"; ln -s "$3" "$1"'
const putBack = 'rm "$1"; mv -T "$2" "$1"'

/** Starts a command in the folder; `waits` resolves when it waits for the lock of the stack. */
function startCommand(args: readonly string[]) {
  const script = join(stack.checkout, 'claude.ts')
  const child = spawn(script, args, { cwd: workspace, env: stack.env })
  const text = { stdout: '', stderr: '' }
  child.stdin.end()
  child.stdout.on('data', chunk => {
    text.stdout += chunk
  })
  child.stderr.on('data', chunk => {
    text.stderr += chunk
  })
  let code: number | null = null
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', status => {
      code = status ?? -1
      resolve({ code, ...text })
    })
  })
  const waits = () =>
    until('a command that waits for the lock', async () => {
      if (code !== null) throw new Error(`${args.join(' ')} ended with ${code}: ${text.stderr}`)
      return text.stderr.includes('waiting for')
    })
  return { ended, waits }
}

/** Runs a command whose folder is exchanged while it waits for the lock, after it has found its folder. */
async function runAcross(args: readonly string[], real: string): Promise<Outcome> {
  const locks = lockFolder(join(stack.env.XDG_STATE_HOME ?? '', 'claude-secure'))
  const release = await holdName(locks, stack.stack, `${process.pid} test`)
  if (!release) throw new Error('the lock is taken')
  const command = startCommand(args)
  try {
    await command.waits()
    await ownerRuns(exchange, real)
  } finally {
    release()
  }
  const outcome = await command.ended
  await ownerRuns(putBack, real)
  return outcome
}

/** Exchanges the folder in a loop until the function that is returned ends it, and puts it back. */
function exchangeInLoop(t: Test, real: string) {
  const loop = `my ($real, $kept, $outside) = @ARGV; $SIG{TERM} = sub { $end = 1 };
    until ($end) {
      select undef, undef, undef, 0.006;
      rename $real, $kept and symlink $outside, $real or die;
      select undef, undef, undef, 0.002;
      unlink $real and rename $kept, $real or die;
    }`
  const child = spawn('setpriv', [
    ...[...asOwner, 'perl', '-e', loop, real, `${real}.kept`, outside],
  ])
  const ended = new Promise(resolve => child.once('close', resolve))
  const end = async () => {
    child.kill('SIGTERM')
    await ended
  }
  t.teardown(end)
  return end
}

/** As the agent: two folders, one of them new, with a file that is on the host and many that are not. */
async function agentWrites(text: string) {
  const script = `cd /workspace; mkdir -p new; printf ${text} > Makefile; printf ${text} > sub/kept
    for at in $(seq 60); do printf ${text} > new/$at; printf ${text} > sub/$at; done`
  const { code, stderr } = await stack.inside(['sh', '-euc', script])
  if (code !== 0) throw new Error(stderr)
}

// Of root, in the folder of another user, who cannot read them.
await writeFile(join(workspace, 'of-root.txt'), 'for root alone\n', { mode: 0o600 })
await mkdir(join(workspace, 'of-root'), { mode: 0o700 })
await writeFile(join(workspace, 'of-root/inner.txt'), 'for root alone\n')

if (!skip) {
  const { code, stderr } = await stack.cli(['start', '--detach'])
  if (code !== 0) throw new Error(stderr)
}

t.test(
  'a copy that root makes has only what the owner of the folder can read',
  { skip },
  async t => {
    const { stdout } = await stack.inside(['find', '/workspace', '-name', '*of-root*'])
    t.equal(stdout, '')
    t.equal((await stack.inside(['cat', '/workspace/Makefile'])).stdout, 'inside')
    const { stdout: text } = await stack.inside(['grep', '-rl', 'for root alone', '/workspace'])
    t.equal(text, '')
    await rm(join(workspace, 'of-root.txt'))
    await rm(join(workspace, 'of-root'), { recursive: true })
  },
)

for (const [what, real] of [
  ['the folder', workspace],
  ['the folder above', above],
] as const) {
  const replaced = /was replaced by a symlink, or a folder above it was\nhint: +put the folder back/

  t.test(`apply writes nothing through a link in the place of ${what}`, { skip }, async t => {
    await agentWrites('one')
    const [before, untouched] = [await listing(workspace), await mirrored()]
    const { code, stderr } = await runAcross(['apply'], real)
    t.equal(code, 1)
    t.match(stderr, replaced)
    t.same(await listing(outside), untouched)
    t.same(await listing(workspace), before)
    t.equal((await stack.cli(['apply'])).code, 0, 'it is applied when the folder is back')
    t.equal(await readFile(join(workspace, 'new/60'), 'utf8'), 'one')
  })

  t.test(`undo removes nothing through a link in the place of ${what}`, { skip }, async t => {
    const [before, untouched] = [await listing(workspace), await mirrored()]
    const { code, stderr } = await runAcross(['apply', '--undo'], real)
    t.equal(code, 1)
    t.match(stderr, replaced)
    t.same(await listing(outside), untouched)
    t.same(await listing(workspace), before)
    t.equal((await stack.cli(['apply', '--undo'])).code, 0)
    t.notOk((await readdir(workspace)).includes('new'))
  })

  t.test(`apply goes on in the folder when ${what} is exchanged in a loop`, { skip }, async t => {
    await agentWrites('two')
    const untouched = await mirrored()
    const end = exchangeInLoop(t, real)
    // A command that finds the link refuses; one that finds the folder goes on in it to the end.
    const last = await until('an apply that found the folder', async () => {
      const outcome = await stack.cli(['apply']).catch(() => null)
      return outcome?.code === 0 && outcome
    })
    t.comment(last.stderr)
    await end()
    t.same(await listing(outside), untouched)
    t.equal(await readFile(join(workspace, 'sub/60'), 'utf8'), 'two')
    t.equal((await lstat(join(workspace, 'new/1'))).uid, owner)
    t.equal((await stack.cli(['apply', '--undo'])).code, 0)
  })
}
