import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startGitServer } from '../../support/forge/git-server.ts'
import { branch, setUpPush, token } from '../../support/forge/pushing.ts'
import { canary, commitOn, runGit } from '../../support/forge/repositories.ts'

/** Names of the canaries that ran. */
const fired = (folder: string) => readdirSync(folder).filter(name => name.startsWith('fired-'))

t.test('a branch is created, left and updated', async t => {
  const { pushing, tip, work, commit, scratch } = await setUpPush(t)
  t.match(await pushing(), { outcome: 'created', before: null, defaultBranch: 'main' })
  t.equal(tip(), commit)
  t.match(await pushing(), { outcome: 'unchanged', before: commit })
  const next = commitOn(work, commit, 'the next')
  t.match(await pushing({ commit: next }), { outcome: 'updated', before: commit })
  t.equal(tip(), next)
  t.same(readdirSync(scratch), [], 'nothing stays')
})

t.test('commits of the remote are replaced only if asked, and only the seen ones', async t => {
  const { pushing, tip, bare, first, commit } = await setUpPush(t)
  const theirs = commitOn(bare, first, 'of another')
  runGit(bare, 'update-ref', `refs/heads/${branch}`, theirs)
  await t.rejects(pushing(), { message: /has commits on .* would drop/, hint: /--force/ })
  t.equal(tip(), theirs)
  t.match(await pushing({ force: true }), { outcome: 'replaced', before: theirs })
  t.equal(tip(), commit)
})

t.test('the default branch and the branch of the user are refused unless asked', async t => {
  const { pushing, tip, first, commit } = await setUpPush(t)
  await t.rejects(pushing({ branch: 'main' }), { message: /main is the default branch of/ })
  await t.rejects(pushing({ branch: 'main', force: true }), { message: /default branch/ })
  await t.rejects(pushing({ branch: 'mine', protectedBranches: ['mine'] }), {
    message: 'mine is the branch that you are on',
    hint: /another branch/,
  })
  t.equal(tip('main'), first)
  t.equal(tip('mine'), '')
  t.match(await pushing({ branch: 'main', allowProtected: true }), { outcome: 'updated' })
  t.equal(tip('main'), commit)
})

t.test('nothing that the repository, the remote or the environment names runs', async t => {
  const { pushing, folder, work, bare, gitDir } = await setUpPush(t)
  const program = (name: string) => canary(folder, name)
  const hooks = (place: string, names: readonly string[]) => {
    mkdirSync(join(place, 'hooks'), { recursive: true })
    for (const name of names) symlinkSync(program(name), join(place, 'hooks', name))
  }
  hooks(gitDir, ['pre-push', 'reference-transaction', 'post-index-change'])
  hooks(bare, ['pre-receive', 'update', 'post-receive', 'post-update', 'reference-transaction'])
  for (const [key, name] of [
    ['core.fsmonitor', 'fsmonitor'],
    ['core.sshCommand', 'ssh-command'],
    ['core.gitProxy', 'git-proxy'],
    ['core.askPass', 'ask-pass'],
    ['credential.helper', 'helper'],
    ['remote.target.receivepack', 'receive-pack'],
    ['remote.origin.receivepack', 'receive-pack-2'],
    ['core.alternateRefsCommand', 'alternate-refs'],
    ['gpg.program', 'gpg'],
    ['alias.push', 'alias'],
  ] as const) {
    runGit(work, 'config', key, key === 'alias.push' ? `!${program(name)}` : program(name))
  }
  runGit(work, 'config', 'push.gpgSign', 'true')
  runGit(work, 'config', 'protocol.ext.allow', 'always')
  runGit(work, 'config', `url.ext::${program('instead-of')} .insteadOf`, bare)
  runGit(bare, 'config', 'core.alternateRefsCommand', program('remote-alternate-refs'))
  runGit(bare, 'config', 'core.fsmonitor', program('remote-fsmonitor'))
  const given = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'core.hooksPath',
    GIT_CONFIG_VALUE_0: join(gitDir, 'hooks'),
    GIT_EXTERNAL_DIFF: program('external-diff'),
    GIT_ASKPASS: program('env-ask-pass'),
    GIT_PROXY_COMMAND: program('proxy-command'),
    GIT_EXEC_PATH: folder,
    GIT_TRACE: join(folder, 'fired-trace'),
  }
  const before = { ...process.env }
  t.teardown(() => {
    for (const name of Object.keys(given)) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })
  Object.assign(process.env, given)
  t.match(await pushing(), { outcome: 'created' })
  const http = await startGitServer(t, { root: folder, login: `ada:${token}` })
  const url = `${http.origin}/ada/tools.git`
  await t.rejects(pushing({ url, branch: 'other' }), { message: /requires a login/ })
  t.same(fired(folder), [])
})

t.test('each refusal of a remote says who refused and the next step', async t => {
  const { pushing, folder } = await setUpPush(t)
  const statuses = [
    [403, /may not push/],
    [404, /does not exist, or you may not see it/],
    [500, /cannot push to/],
  ] as const
  for (const [status, message] of statuses) {
    const server = await startGitServer(t, {
      root: folder,
      before: (_, response) => {
        response.writeHead(status).end('\x1b[2Jno')
        return true
      },
    })
    const error = await pushing({ url: `${server.origin}/ada/tools.git` }).catch(error => error)
    t.match(error, { message, hint: /\w/ })
    t.notMatch(`${error.message}${error.hint}`, /\x1b/)
  }
  await t.rejects(pushing({ url: join(folder, 'nowhere') }), { message: /does not exist/ })
  await t.rejects(pushing({ url: 'http://127.0.0.1:9/a/b' }), {
    message: /cannot push to 127.0.0.1/,
  })
  for (const url of [
    'ext::sh -c touch% x',
    '--receive-pack=touch x',
    `https://a:${token}@h.invalid/a/b`,
  ]) {
    const error = await pushing({ url }).catch(error => error)
    t.match(error, { hint: /set-url/ })
    t.notMatch(error.message, /ghp_/)
  }
})

t.test('hostile texts of a remote reach no terminal with their escapes', async t => {
  const { pushing, folder, bare } = await setUpPush(t)
  const server = await startGitServer(t, { root: folder })
  const url = `${server.origin}/ada/tools.git`
  mkdirSync(join(bare, 'hooks'))
  const hook = (exit: number) =>
    writeFileSync(
      join(bare, 'hooks/pre-receive'),
      `#!/bin/sh\nprintf 'see \\033]0;owned\\007https://forge.example/new\\n\\033[2J\\n'\nexit ${exit}\n`,
      { mode: 0o755 },
    )
  hook(0)
  t.same((await pushing({ url })).messages, ['see https://forge.example/new'])
  hook(1)
  const error = await pushing({ url, branch: 'b' }).catch(error => error)
  t.match(error, { message: /refused the push to b: pre-receive hook declined/ })
  t.notMatch(`${error.message}${error.hint}`, /[\x00-\x09\x0b-\x1f]/)
})

t.test('a branch named like a command stays a name', async t => {
  const { pushing, folder, tip, commit } = await setUpPush(t)
  for (const name of ['x$(touch${IFS}fired-a)', "x';touch${IFS}fired-b;'", 'x|touch', 'x`id`']) {
    await pushing({ branch: name })
    t.equal(tip(name), commit, name)
  }
  t.same(fired(folder), [])
  for (const bad of ['--mirror', 'a:refs/heads/main', '+main', 'a b', 'refs/heads/main', 'a*']) {
    if (bad !== '+main')
      await t.rejects(pushing({ branch: bad }), { message: /the branch name/ }, bad)
  }
  await pushing({ branch: '+main' })
  t.equal(tip('main') === commit, false, 'a plus of the name forces nothing')
})

t.test("the user's own addresses hold, but lead to no program", async t => {
  const { pushing, folder, bare, tip, commit } = await setUpPush(t)
  const rewrite = (to: string) => ({
    settings: [[`url.${to}.insteadof`, 'https://forge.invalid/']] as [string, string][],
    sshCommand: null,
  })
  const url = 'https://forge.invalid/tools.git'
  await pushing({ url, settings: rewrite(`${join(bare, '..')}/`) })
  t.equal(tip(), commit)
  await t.rejects(pushing({ url, settings: rewrite(`ext::${canary(folder, 'ext')} `) }), {
    message: /names a program that git would run/,
  })
  t.same(fired(folder), [])
})

t.test('repositories with other hashes, shallow ones and worktrees push too', async t => {
  const sha256 = await setUpPush(t, 'sha256')
  t.equal(sha256.commit.length, 64)
  t.match(await sha256.pushing(), { outcome: 'created' })

  const { pushing, folder, bare, tip } = await setUpPush(t)
  const shallow = join(folder, 'shallow "x"')
  commitOn(bare, null, 'x')
  runGit(folder, 'clone', '--quiet', '--template=', '--depth=1', `file://${bare}`, shallow)
  const commit = commitOn(shallow, runGit(shallow, 'rev-parse', 'HEAD'), 'on a shallow clone')
  t.match(await pushing({ gitDir: join(shallow, '.git'), commit }), { outcome: 'created' })
  t.equal(tip(), commit)
  t.match(
    await pushing({ url: '../ada/tools.git', branch: 'b' }),
    { outcome: 'created' },
    'relative',
  )
})

t.test('a list of a shallow clone that never ends is refused', async t => {
  const { pushing, gitDir } = await setUpPush(t)
  execFileSync('mkfifo', [join(gitDir, 'shallow')])
  await t.rejects(pushing(), { message: /shallow is not a list of commits/, hint: /git fsck/ })
})
