import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type GitSetting, renderGitSettings } from '../../../src/git/push/push-settings.ts'
import { resolveRemote, rewriteUrl } from '../../../src/git/resolve-remote.ts'
import { exec } from '../../../src/process/exec.ts'

const settings: GitSetting[] = [
  ['url.https://github.com/.insteadof', 'gh:'],
  ['url.git@github.com:.insteadof', 'https://github.com/'],
  ['url.git@work:.insteadof', 'https://github.com/work/'],
  ['url.ssh://git@other/.pushinsteadof', 'gh:'],
  ['http.proxy', 'gh:'],
]

t.test('insteadOf replaces the longest beginning, as in git', async t => {
  const folder = t.testdir({})
  const config = join(folder, 'config')
  writeFileSync(config, renderGitSettings(settings))
  const env = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: config, GIT_CONFIG_NOSYSTEM: '1' }
  for (const url of [
    'gh:ada/tools',
    'https://github.com/ada/tools.git',
    'https://github.com/work/tools.git',
    'https://gitlab.com/ada/tools',
    '/srv/gh:x',
    'git@github.com:ada/tools',
  ]) {
    const { stdout } = await exec('git', ['ls-remote', '--get-url', url], { env, cwd: folder })
    t.equal(rewriteUrl(url, settings), stdout.trimEnd(), url)
  }
})

t.test('an alias of ssh is resolved, and judged like any other host', async t => {
  const asked: string[] = []
  const answering = (hostname: string) => async (host: string) => {
    asked.push(host)
    return `user git\nhostname ${hostname}\nport 22\n`
  }
  const resolved = await resolveRemote('git@github-work:ada/tools.git', {
    settings: [],
    askSsh: answering('github.com'),
  })
  t.match(resolved, { host: 'github.com', path: 'ada/tools', user: 'git', transport: 'ssh' })
  t.same(asked, ['github-work'])
  const plain = { settings: [], askSsh: async () => '' }
  t.match(await resolveRemote('git@github.com:ada/tools', plain), { host: 'github.com' })
  await t.rejects(
    resolveRemote('git@x:a/b', { settings: [], askSsh: answering('-oProxyCommand=x') }),
    { message: /no valid host name/ },
  )
  await t.rejects(
    resolveRemote('gh:a/b', { ...plain, settings: [['url.ext::sh -c x .insteadof', 'gh:']] }),
    { message: /names a program/ },
  )
  t.match(await resolveRemote('https://gitlab.com/a/b', { settings: [], askSsh: answering('x') }), {
    host: 'gitlab.com',
  })
  t.equal(asked.length, 2)
})

t.test("the user's real ssh answers without a connection", async t => {
  t.match(await resolveRemote('git@github.com:ada/tools', { settings: [] }), { host: /\w/ })
})
