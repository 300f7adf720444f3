/**
 * A session's commits, as a pull request of each kind of forge: from the container by the real commands. And how a
 * session begins: with a branch or a pull request of a remote, with what a person chose.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type ForgeKind, forgeKinds } from '../../src/git/forge/find-forge.ts'
import { sessionStack } from '../../src/git/session-record.ts'
import { startForge } from '../support/forge/forge-stand-in.ts'
import { serveGit } from '../support/forge/git-server.ts'
import { runGit } from '../support/forge/repositories.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack, owner, removeStack } from '../support/stack/test-stack.ts'

const config = 'claude-secure.config.json'
const setup = { setupCommands: ['git branch --show-current > "$HOME/setup.txt"'] }
const stack = await createTestStack(t, {
  files: { 'a.txt': 'one\n', [config]: JSON.stringify(setup) },
  settings: { EXTERNAL_SUBNET: '' },
  start: false,
})
const { workspace } = stack
const asOwner = ['--reuid', String(owner), '--regid', String(owner), '--clear-groups']
const git = (...args: string[]) =>
  must(
    'setpriv',
    [...asOwner, ...['git', '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]],
    // Its owner may not reach it by its path.
    { cwd: workspace, env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent' } },
  )
await git('init', '--quiet', '--initial-branch=main')
await git('add', '--all')
await git('commit', '--quiet', '--message=first')
await git('remote', 'add', 'origin', '/nowhere')
const root = await temporaryFolder(t, 'remotes')
await chmod(root, 0o755)

const container = (session: string) => `${sessionStack(workspace, session).name}-claude-1`
const subject = 'fix $(touch F) `touch F`'
const remove = (name: string) => removeStack(sessionStack(workspace, name).name)
t.teardown(() => remove('one'))
const accepted = await stack.cli(['config', '--accept'])
t.equal(accepted.code, 0, accepted.stderr)
const started = await stack.cli([
  'session',
  'start',
  '--detach',
  '--name',
  'one',
  '--branch',
  'fix/one',
])
t.equal(started.code, 0, started.stderr)
const inside = async (session: string, command: string) =>
  (
    await must('docker', ['exec', container(session), 'sh', '-euc', `cd /workspace; ${command}`])
  ).trim()
/** Starts a session, which ends with the test. */
async function begin(
  t: Test,
  cli: (args: readonly string[]) => ReturnType<typeof stack.cli>,
  name: string,
  ...options: string[]
) {
  t.teardown(() => remove(name))
  const begun = await cli(['session', 'start', '-d', '-n', name, ...options])
  t.equal(begun.code, 0, begun.stderr)
}
const script = `cd /workspace; echo "$1" >> b.txt; git add b.txt; git -c user.name=x -c user.email=x@x commit -qm "$1"`
await must('docker', ['exec', container('one'), 'sh', '-euc', script, 'sh', subject])

/** How each program of a forge gives a token to others. */
const logins: Record<ForgeKind, (host: string, token: string) => Record<string, string>> = {
  github: (host, token) => ({ GH_HOST: host, GH_ENTERPRISE_TOKEN: token }),
  gitlab: (host, token) => ({ GITLAB_HOST: `http://${host}`, GITLAB_TOKEN: token }),
  gitea: (host, token) => ({ GITEA_SERVER_URL: `http://${host}`, GITEA_TOKEN: token }),
}
const writes = 'token-that-writes'

/** A forge with its API and its repository, which is the remote of the workspace. */
async function connect(t: Test, kind: ForgeKind) {
  const folder = join(root, kind)
  const bare = join(folder, 'ada/tools.git')
  await mkdir(join(folder, 'ada'), { recursive: true })
  // Not by git, which clones no repository of another user.
  await must('cp', ['-r', join(workspace, '.git'), bare])
  runGit(bare, 'config', 'core.bare', 'true')
  runGit(bare, 'config', 'http.receivepack', 'true')
  const fork = join(folder, 'eve/tools.git')
  await mkdir(join(folder, 'eve'))
  await must('cp', ['-r', bare, fork])
  const login = `${kind === 'github' ? 'x-access-token' : 'oauth2'}:${writes}`
  const forge = await startForge(t, {
    kind,
    before: (request, response) => {
      const { url = '' } = request
      if (/^\/(ada|eve)\/tools\.git\//.test(url)) {
        // Everyone may read it.
        serveGit(
          url.includes('receive-pack') ? { root: folder, login } : { root: folder },
          request,
          response,
        )
        return true
      }
      const [stored, ofFork] = forge.state.repositories
      for (const [path, repository] of [
        [bare, stored],
        [fork, ofFork],
      ] as const) {
        const format = '--format=%(refname:lstrip=2) %(objectname)'
        for (const line of runGit(path, 'for-each-ref', format, 'refs/heads').split('\n')) {
          const [branch = '', commit = ''] = line.split(' ')
          repository?.branches.set(branch, commit)
        }
      }
      return false
    },
  })
  const [stored] = forge.state.repositories
  if (!stored) throw new Error('no repository')
  forge.state.repositories.push({
    ...{ ...stored, name: 'eve/tools', parent: 'ada/tools' },
    ...{ branches: new Map(), requests: [] },
  })
  await git('remote', 'set-url', 'origin', forge.remote)
  const { host } = new URL(forge.origin)
  const cli = (token: string, args: readonly string[]) =>
    run(join(stack.checkout, 'claude.ts'), args, {
      cwd: workspace,
      env: { ...stack.env, ...logins[kind](host, token) },
    })
  const tip = (branch: string, repository = bare) =>
    runGit(repository, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`)
  return { forge, stored, bare, fork, cli, tip }
}

/** Names of GitHub and Gitea, and of GitLab. */
const refOf = (kind: ForgeKind, number: number) =>
  `refs/${kind === 'gitlab' ? 'merge-requests' : 'pull'}/${number}/head`

t.test(
  'a session has the branch and the name of its options, and ran the setup commands',
  async t => {
    t.equal(await inside('one', 'git branch --show-current; cat ~/setup.txt'), 'fix/one\nfix/one')
  },
)

t.test('a start continues a session that runs here, after a yes', async t => {
  const terminal = await stack.terminal(['session', 'start', '--detach'])
  await terminal.waitFor(/Continue session one, which runs here\?/)
  await terminal.type('y')
  t.equal(await terminal.exitStatus(), 0)
  t.match(await terminal.screen(), /session one continues on branch fix\/one/)
  t.match(JSON.parse((await stack.cli(['session', 'list', '--json'])).stdout).sessions, {
    length: 1,
  })
})

t.test('after a no it starts another, with the options of the person', async t => {
  await writeFile(join(workspace, 'untracked.txt'), 'mine\n')
  const options = ['--shell', '--include-untracked', '--no-push', '--no-create-pr']
  const terminal = await stack.terminal(['session', 'start', ...options])
  await terminal.waitFor(/Continue session one, which runs here\?/)
  await terminal.type('n')
  await terminal.waitFor(/works on branch\s+claude\//, 240_000)
  const { sessions } = JSON.parse((await stack.cli(['session', 'list', '--json'])).stdout)
  const [{ session: name, branch }] = sessions
  t.teardown(() => remove(name))
  t.not(name, 'one')
  t.match(branch, /^claude\/\d{8}-\d{6}$/)
  await terminal.waitFor(/:\/workspace\$/)
  await terminal.type('cat untracked.txt; git commit -q --allow-empty -m shell && echo made-it')
  await terminal.press('Enter')
  await terminal.waitFor(/^mine$/m)
  await terminal.waitFor(/^made-it$/m)
  await terminal.type('exit')
  await terminal.press('Enter')
  t.equal(await terminal.exitStatus(), 0)

  const review = await stack.terminal(['review', name])
  await review.waitFor(/shell[\s\S]*what next\? \[c,d,m,x,q,\?\]/)
  await review.type('p')
  await review.press('Enter')
  await review.waitFor(/q {2}leave/)
  await review.type('q')
  await review.press('Enter')
  t.equal(await review.exitStatus(), 0)
  t.notMatch(await review.screen(), /Push \d/)
})

t.test('--no-pr leaves the push, and takes the pull request', async t => {
  await begin(t, stack.cli, 'no-pr', '--no-pr')
  await must('docker', ['exec', container('no-pr'), 'sh', '-euc', script, 'sh', 'x'])
  const review = await stack.terminal(['review', 'no-pr'])
  await review.waitFor(/what next\? \[c,d,m,p,x,q,\?\]/)
})

for (const kind of forgeKinds) {
  t.test(`pr pushes the branch and opens a pull request of ${kind}`, async t => {
    const { forge, stored, bare, fork, cli, tip } = await connect(t, kind)
    const wrong = await cli('token-that-reads', ['pr', 'one', '--yes'])
    isTwoLines(t, wrong, { error: /127\.0\.0\.1 refused the token/, hint: /log in|set a token/ })
    t.equal(tip('fix/one'), '')

    const opened = await cli(writes, ['pr', 'one', '--yes', '--draft'])
    t.equal(opened.code, 0, opened.stderr)
    t.equal(tip('fix/one'), (await git('rev-parse', 'refs/claude/one/branch')).trim())
    t.match(stored.requests, [{ head: 'fix/one', base: 'main', draft: true }])
    t.match(stored.requests[0]?.title, subject)
    t.ok(opened.stdout.trim().startsWith(`${forge.origin}/ada/tools/`), opened.stdout)
    t.match(opened.stderr, /opened (pull|merge) request 1/)

    const again = await cli(writes, ['pr', 'one', '--yes'])
    t.equal(again.code, 0, again.stderr)
    t.match(again.stderr, /request 1 is open already/)
    t.equal(again.stdout, opened.stdout)
    t.equal(stored.requests.length, 1)
    const shown = [wrong, opened, again].map(({ stdout, stderr }) => stdout + stderr).join('')
    t.notMatch(shown, /token-that/)
    const main = await cli(writes, ['pr', 'one', '--yes', '--branch', 'main'])
    isTwoLines(t, main, { error: /main is the (default )?branch/, hint: /another branch/ })

    t.test('a session begins with it, and is pushed to its branch', async t => {
      const name = `of-${kind}`
      runGit(bare, 'update-ref', refOf(kind, 1), 'refs/heads/fix/one')
      await begin(t, args => cli(writes, args), name, '--pr', '1')
      const before = tip('fix/one')
      t.equal(await inside(name, 'git rev-parse HEAD'), before)
      await must('docker', ['exec', container(name), 'sh', '-euc', script, 'sh', 'more'])
      const pushed = await cli(writes, ['push', name, '--yes'])
      t.equal(pushed.code, 0, pushed.stderr)
      t.equal(runGit(bare, 'log', '--format=%s', `${before}..refs/heads/fix/one`), 'more')
    })

    t.test('a branch that was pushed to a fork is for the repository of origin', async t => {
      await git('remote', 'add', 'mine', `${forge.origin}/eve/tools.git`)
      t.teardown(() => git('remote', 'remove', 'mine'))
      const asked = await cli(writes, ['pr', 'one', '--remote', 'mine', '--branch', 'of-fork'])
      t.match(asked.stderr, /Push 1 commit to mine, branch of-fork, and open a .* in ada\/tools\?/)
      const made = await cli(writes, ['pr', 'one', '-y', '--remote', 'mine', '--branch', 'of-fork'])
      t.equal(made.code, 0, made.stderr)
      t.equal(tip('of-fork'), '')
      t.equal(tip('of-fork', fork), (await git('rev-parse', 'refs/claude/one/branch')).trim())
      t.match(stored.requests[1], { from: 'eve/tools', head: 'of-fork', base: 'main' })
      t.ok(made.stdout.trim().startsWith(`${forge.origin}/ada/tools/`), made.stdout)
    })
    if (kind !== 'gitlab') return

    t.test('a session of a fork’s pull request is pushed there if its author lets it', async t => {
      const number = stored.requests.length
      runGit(bare, 'fetch', '--quiet', fork, `+refs/heads/of-fork:${refOf(kind, number)}`)
      await begin(t, args => cli(writes, args), 'of-fork', '--pr', `${number}`)
      await must('docker', ['exec', container('of-fork'), 'sh', '-euc', script, 'sh', 'helped'])
      const refused = await cli(writes, ['push', 'of-fork', '--yes'])
      isTwoLines(t, refused, {
        error: new RegExp(`request ${number} is of eve/tools, whose owner lets no one else push`),
        hint: /allow edits by maintainers, or push to a branch of your own/,
      })
      const before = tip('of-fork', fork)
      for (const one of stored.requests) one.isOpenToPushes = true
      const pushed = await cli(writes, ['push', 'of-fork', '--yes'])
      t.equal(pushed.code, 0, pushed.stderr)
      t.equal(runGit(fork, 'log', '--format=%s', `${before}..refs/heads/of-fork`), 'helped')
      t.equal(tip('of-fork'), '')
    })

    t.test('a session begins with a branch of the remote, and is pushed to it', async t => {
      runGit(bare, 'update-ref', 'refs/heads/topic', 'refs/heads/fix/one')
      await begin(t, args => cli(writes, args), 'topic', '--remote-branch', 'topic')
      const before = tip('topic')
      t.equal(await inside('topic', 'git rev-parse HEAD; ls'), `${before}\na.txt\nb.txt\n${config}`)
      await must('docker', ['exec', container('topic'), 'sh', '-euc', script, 'sh', 'on topic'])
      const pushed = await cli(writes, ['push', 'topic', '--yes'])
      t.equal(pushed.code, 0, pushed.stderr)
      t.equal(runGit(bare, 'log', '--format=%s', `${before}..refs/heads/topic`), 'on topic')

      const none = await cli(writes, ['session', 'start', '-d', '--remote-branch', 'no-such'])
      isTwoLines(t, none, { error: /cannot fetch refs\/heads\/no-such of origin/, hint: /./ })
      const both = await cli(writes, ['session', 'start', '--remote-branch', 'topic', '--pr', '1'])
      t.match(both, { code: 2, stderr: /--remote-branch, --pr and --from cannot be combined/ })
    })
  })
}
