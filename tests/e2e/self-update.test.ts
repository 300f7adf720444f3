import { existsSync } from 'node:fs'
import { readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { createControlScript, isTwoLines } from '../support/stack/control-script.ts'
import { must } from '../support/stack/process.ts'
import { openTerminal } from '../support/stack/terminal.ts'

// A checkout of a real repository, updated by its own control script, which runs the new version afterwards.
const script = await createControlScript(t)
const { checkout } = script
const origin = join(await temporaryFolder(t, 'origin'), 'claude-secure')
// Git itself takes such a branch, and a shell would run it.
const branch = 'main$(touch${IFS}ran);`touch${IFS}ran`'

const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com']
const git = (cwd: string, ...args: string[]) => must('git', [...identity, ...args], { cwd })
const head = async () => (await git(checkout, 'rev-parse', 'HEAD')).trim()
const read = (path: string) => readFile(join(checkout, path), 'utf8')
const write = (path: string, text: string) => writeFile(join(checkout, path), text)
/** Replaces text in a file of the repository that publishes. */
async function change(path: string, from: string | RegExp, to: string) {
  const text = await readFile(join(origin, path), 'utf8')
  await writeFile(join(origin, path), text.replace(from, to))
}
async function publish(version: string, subject: string, entry = '') {
  await change('package.json', /"version": "[^"]*"/, `"version": "${version}"`)
  if (entry) await change('CHANGELOG.md', '### Added\n', `### Added\n\n- ${entry}\n`)
  await git(origin, 'add', '--all')
  await git(origin, 'commit', '--quiet', '--message', subject)
}
const version = async () => (await script.run(['--version'])).stdout

await git(checkout, 'init', '--quiet', `--initial-branch=${branch}`)
await writeFile(join(checkout, 'docs/odd\u001b[31m.md'), 'odd\n')
await git(checkout, 'add', '--all')
await git(checkout, 'commit', '--quiet', '--message', 'feat: the first')
await git('/', 'clone', '--quiet', checkout, origin)
await git(checkout, 'remote', 'add', 'origin', origin)
await git(checkout, 'fetch', '--quiet', 'origin')
await git(checkout, 'branch', '--quiet', `--set-upstream-to=origin/${branch}`)

t.test('the new part of the changelog is shown, and No changes nothing', async t => {
  t.match(await script.run(['self-update']), { code: 0, stderr: /claude-secure is up to date\n$/ })
  await publish('7.7.1', 'feat: fly', 'It can fly\u001b]0;owned\u0007 now.')
  const before = await head()
  const options = { cwd: script.workspace, env: script.env }
  const terminal = await openTerminal(t, [join(checkout, 'claude.ts'), 'self-update'], options)
  await terminal.waitFor(/Update claude-secure\?/)
  const screen = await terminal.screen()
  t.match(screen, /1 new commit:\n +- It can fly now\.\n/)
  await terminal.type('n')
  t.equal(await terminal.exitStatus(), 0)
  t.match(await terminal.screen(), /nothing was changed/)
  t.equal(await head(), before)

  isTwoLines(t, await script.run(['self-update']), {
    error: /confirmation required/,
    hint: /--yes/,
  })
  t.match(await script.run(['self-update', '--dry-run']), { code: 0, stdout: /It can fly now/ })
  t.equal(await head(), before)
  t.notMatch(await version(), '7.7.1')
})

t.test('Yes installs it, keeps what is yours, and the next command is the new version', async t => {
  await write('.env', 'ANTHROPIC_MODEL=opus\n')
  await write('notes.txt', 'mine\n')
  const list = 'acl allowed_sites dstdomain -n my.example.test\n'
  await write('proxy/squid.conf', (await read('proxy/squid.conf')).replace(/^/, list))
  await change('proxy/squid.conf', /$/, '# A line of the new version.\n')
  await publish('7.7.2', 'feat: swim', 'It can swim now.')
  const options = { cwd: script.workspace, env: script.env }
  const terminal = await openTerminal(t, [join(checkout, 'claude.ts'), 'self-update'], options)
  await terminal.waitFor(/Update claude-secure\?/)
  t.match(await terminal.screen(), /2 new commits:\n +- It can swim now\.\n +- It can fly now/)
  await terminal.type('y')
  t.equal(await terminal.exitStatus(), 0)
  const screen = await terminal.screen()
  t.match(screen, /kept your changes in proxy\/squid\.conf/)
  t.match(screen, /updated claude-secure from [0-9a-f]{12} to [0-9a-f]{12}; run .*claude\.ts setup/)
  t.match(await version(), '7.7.2', 'the control script is bundled again')
  t.equal(await read('.env'), 'ANTHROPIC_MODEL=opus\n')
  t.equal(await read('notes.txt'), 'mine\n')
  const policy = await read('proxy/squid.conf')
  t.ok(policy.startsWith(list) && policy.endsWith('# A line of the new version.\n'))
  t.ok(await readlink(join(checkout, 'node_modules')))
})

t.test('a changed file of the program is refused by its name, and stays as it is', async t => {
  await publish('7.7.3', 'feat: dive')
  const before = await head()
  for (const [path, shown] of [
    ['README.md', /the checkout has local changes: README\.md$/],
    ['docs/odd\u001b[31m.md', /the checkout has local changes: docs\/odd\.md$/],
  ] as const) {
    const text = await read(path)
    await write(path, 'mine\n')
    const outcome = await script.run(['self-update', '--yes'])
    isTwoLines(t, outcome, { error: shown, hint: /git checkout HEAD -- FILE/ })
    t.notMatch(outcome.stderr, /\u001b/)
    t.equal(await read(path), 'mine\n')
    await write(path, text)
  }
  t.equal(await head(), before)
})

t.test('a branch with commits of its own is refused, and loses none', async t => {
  await write('README.md', 'mine\n')
  await git(checkout, 'commit', '--quiet', '--message', 'docs: mine', 'README.md')
  const mine = await head()
  const outcome = await script.run(['self-update', '--yes'])
  isTwoLines(t, outcome, {
    error: /the checkout has 1 commit that origin\/main\$\(touch.* lacks/,
    hint: /rebase them with git/,
  })
  t.equal(await head(), mine)
  t.equal(await read('README.md'), 'mine\n')
  t.notMatch(await version(), '7.7.3')
})

t.test('no name of the repository was run', async t => {
  for (const folder of [checkout, script.workspace, origin]) {
    t.notOk(existsSync(join(folder, 'ran')), folder)
  }
})
