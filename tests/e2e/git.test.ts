import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { commitMessage } from '../support/internet/git-site.ts'
import { must, until } from '../support/stack/process.ts'
import { createTestStack, owner, startTestStack } from '../support/stack/test-stack.ts'

// A repository whose .gitattributes the user wrote before git-lfs was there to obey it.
const stack = await createTestStack(t, {
  start: false,
  allow: ['allowed.test'],
  files: { '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' },
})
const { workspace } = stack
const asOwner = ['--reuid', `${owner}`, '--regid', `${owner}`, '--clear-groups']
const identity = ['-c', 'user.name=me', '-c', 'user.email=me@host.test']
const hostGit = (...args: string[]) =>
  must('setpriv', [...asOwner, 'git', ...identity, ...args], {
    cwd: workspace,
    env: { PATH: process.env.PATH, HOME: '/nonexistent' },
  })
await chmod(join(workspace, '..'), 0o755)
await hostGit('init', '--quiet', '--initial-branch=main')
await hostGit('add', '.')
await hostGit('commit', '--quiet', '--message=first')
await startTestStack(stack, ['--worker'])

const agent = (script: string, service = 'claude') =>
  stack.inside(
    [
      'bash',
      '-euc',
      `export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=a \
         GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=a@a.test; cd /workspace; ${script}`,
    ],
    { service },
  )

t.test('a commit keeps the pointers of git-lfs, and a clone gets the files', async t => {
  const { code, stderr } = await agent(`
    head -c 5000 /dev/urandom > big.bin; git add big.bin; git commit -qm big
    git init -q --bare -b main ~/lfs.git; git lfs push --all file://$HOME/lfs.git > ~/log
    git push -q file://$HOME/lfs.git main; git clone -q file://$HOME/lfs.git ~/clone; cmp big.bin ~/clone/big.bin
    printf more >> big.bin; git commit -qam more; git status --porcelain > ~/status; cmp ~/status /dev/null`)
  t.equal(code, 0, stderr)
  for (const commit of ['HEAD', 'HEAD~1']) {
    t.match(
      await hostGit('show', `${commit}:big.bin`),
      /^version https:.*\noid sha256:.*\nsize \d+\n$/,
    )
  }
})

t.test('without the filter, git stops instead of committing the file itself', async t => {
  const without = await agent(
    'git rm -q --cached big.bin; PATH=/nonexistent /usr/bin/git add big.bin',
  )
  t.not(without.code, 0)
  t.match(without.stderr, /git-lfs: not found/)
  await agent('git reset -q')
})

t.test('a remote by ssh is fetched over https, from a host of the allowlist', async t => {
  for (const [service, remote] of [
    ['claude', 'git@allowed.test:team/app.git'],
    ['worker', 'ssh://git@allowed.test/team/app.git'],
  ] as const) {
    const { code, stdout, stderr } = await agent(
      `git -c http.sslCAInfo=$NODE_EXTRA_CA_CERTS fetch -q ${remote}; git log -1 --format=%s FETCH_HEAD`,
      service,
    )
    t.equal(code, 0, stderr)
    t.equal(stdout, `${commitMessage}\n`)
  }
  const asked = (await stack.internet.events()).filter(event => event.kind === 'http')
  t.match(asked[0], {
    host: 'allowed.test',
    sni: 'allowed.test',
    url: /^\/team\/app\.git\/info\/refs/,
  })
})

t.test('a known host that is not on the allowlist is refused by the proxy', async t => {
  for (const remote of ['git@github.com:a/b.git', 'ssh://git@ssh.github.com:443/a/b.git']) {
    const { code, stderr } = await agent(`git fetch ${remote}`)
    t.not(code, 0)
    t.match(stderr, /unable to access 'https:\/\/github\.com\/a\/b\.git\/'.*407/)
  }
  await until('the lines', async () =>
    /github\.com/.test((await stack.cli(['log', '--denied'])).stdout),
  )
})

t.test('any other remote by ssh fails with the https remote to use', async t => {
  const { code, stderr } = await agent('git fetch ssh://git@git.other.test:2222/team/app.git')
  t.equal(code, 128)
  t.match(stderr, /^error: ssh to git\.other\.test is closed: git reaches hosts over https only$/m)
  t.match(stderr, /^hint: .*https:\/\/git\.other\.test\/team\/app\.git .*allow git\.other\.test$/m)
  const azure = await agent('git fetch git@ssh.dev.azure.com:v3/org/project/repo')
  t.match(azure.stderr, 'use https://dev.azure.com/org/project/_git/repo')
  // A repository chooses its remotes, and a user pastes the hint.
  const hostile = await agent(`git fetch 'git@a$(id).test:x;\`id\`/y' || true`)
  t.match(hostile.stderr, /allow a__id_\.test$/m)
  t.notMatch(hostile.stderr, /\$\(|`/)
  const named = await agent('git -c core.sshCommand=ssh fetch git@git.other.test:x')
  t.match(named.stderr, 'ssh to git.other.test is closed', "a repository's own command counts less")
})

t.test('a host allowed later works at once, for all folders or for this one', async t => {
  const inspect = () =>
    must('docker', ['inspect', '--format={{.Id}} {{.State.StartedAt}}', stack.container('claude')])
  const before = await inspect()
  const url = async (host: string) =>
    (await agent(`git ls-remote --get-url git@${host}:a/b`)).stdout
  t.equal((await stack.cli(['allow', 'other.test'])).code, 0)
  t.equal((await stack.cli(['allow', '--here', 'evil.test'])).code, 0)
  t.equal(await url('other.test'), 'https://other.test/a/b\n')
  t.equal(await url('evil.test'), 'https://evil.test/a/b\n')
  t.equal((await stack.cli(['deny', 'other.test'])).code, 0)
  t.equal(await url('other.test'), 'git@other.test:a/b\n')
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  t.equal(await url('evil.test'), 'https://evil.test/a/b\n')
  t.equal(await inspect(), before, 'no container was made anew')
  const written = await agent(
    'echo x >> /etc/claude-secure/git/hosts.gitconfig || echo x >> /etc/gitconfig',
  )
  t.not(written.code, 0, 'the list is not for the agent to change')
})
