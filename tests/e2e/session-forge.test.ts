/** A session's commits, as a pull request of each kind of forge: from the container by the real commands. */
import { chmod, mkdir } from 'node:fs/promises'
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

const stack = await createTestStack(t, {
  files: { 'a.txt': 'one\n', 'claude-secure.config.json': '{}' },
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
for (const name of ['one', 'of-pr'])
  t.teardown(() => removeStack(sessionStack(workspace, name).name))
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
  const login = `${kind === 'github' ? 'x-access-token' : 'oauth2'}:${writes}`
  const forge = await startForge(t, {
    kind,
    before: (request, response) => {
      const { url = '' } = request
      if (url.startsWith('/ada/tools.git/')) {
        // Everyone may read it.
        serveGit(
          url.includes('receive-pack') ? { root: folder, login } : { root: folder },
          request,
          response,
        )
        return true
      }
      const listed = runGit(
        bare,
        'for-each-ref',
        '--format=%(refname:lstrip=2) %(objectname)',
        'refs/heads',
      )
      const [stored] = forge.state.repositories
      for (const line of listed.split('\n')) {
        const [branch = '', commit = ''] = line.split(' ')
        stored?.branches.set(branch, commit)
      }
      return false
    },
  })
  await git('remote', 'set-url', 'origin', forge.remote)
  const { host } = new URL(forge.origin)
  const cli = (token: string, args: readonly string[]) =>
    run(join(stack.checkout, 'claude.ts'), args, {
      cwd: workspace,
      env: { ...stack.env, ...logins[kind](host, token) },
    })
  const tip = (branch: string) =>
    runGit(bare, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`)
  return { forge, bare, cli, tip }
}

for (const kind of forgeKinds) {
  t.test(`pr pushes the branch and opens a pull request of ${kind}`, async t => {
    const { forge, bare, cli, tip } = await connect(t, kind)
    const [stored] = forge.state.repositories
    const wrong = await cli('token-that-reads', ['pr', 'one', '--yes'])
    isTwoLines(t, wrong, { error: /127\.0\.0\.1 refused the token/, hint: /log in|set a token/ })
    t.equal(tip('fix/one'), '')

    const opened = await cli(writes, ['pr', 'one', '--yes', '--draft'])
    t.equal(opened.code, 0, opened.stderr)
    t.equal(tip('fix/one'), (await git('rev-parse', 'refs/claude/one/branch')).trim())
    t.match(stored?.requests, [{ head: 'fix/one', base: 'main', draft: true }])
    t.match(stored?.requests[0]?.title, subject)
    t.ok(opened.stdout.trim().startsWith(`${forge.origin}/ada/tools/`), opened.stdout)
    t.match(opened.stderr, /opened (pull|merge) request 1/)

    const again = await cli(writes, ['pr', 'one', '--yes'])
    t.equal(again.code, 0, again.stderr)
    t.match(again.stderr, /request 1 is open already/)
    t.equal(again.stdout, opened.stdout)
    t.equal(stored?.requests.length, 1)
    const shown = [wrong, opened, again].map(({ stdout, stderr }) => stdout + stderr).join('')
    t.notMatch(shown, /token-that/)
    const main = await cli(writes, ['pr', 'one', '--yes', '--branch', 'main'])
    isTwoLines(t, main, { error: /main is the (default )?branch/, hint: /another branch/ })
    if (kind !== 'gitea') return

    t.test('a session begins with it, and is pushed to its branch', async t => {
      runGit(bare, 'update-ref', 'refs/pull/1/head', 'refs/heads/fix/one')
      const begun = await cli(writes, ['session', 'start', '-d', '-n', 'of-pr', '--pr', '1'])
      t.equal(begun.code, 0, begun.stderr)
      const before = tip('fix/one')
      await must('docker', ['exec', container('of-pr'), 'sh', '-euc', script, 'sh', 'more'])
      const pushed = await cli(writes, ['push', 'of-pr', '--yes'])
      t.equal(pushed.code, 0, pushed.stderr)
      t.equal(runGit(bare, 'log', '--format=%s', `${before}..refs/heads/fix/one`), 'more')
    })
  })
}
