import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { askedOfHost } from '../../../src/credentials/asked.ts'
import { tokenFor } from '../../../src/credentials/token-for.ts'

/** Asks a machine with this home, and with programs before its own that are shell scripts. */
function asking(t: Test, home: string, env: NodeJS.ProcessEnv = {}, programs: object = {}) {
  const bin = mkdtempSync(join(tmpdir(), 'bin-'))
  t.teardown(() => rmSync(bin, { recursive: true }))
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  }
  return askedOfHost({ PATH: `${bin}:${process.env.PATH}`, HOME: home, ...env })
}

const noGh = { gh: 'exit 1' }

t.test(
  'the environment has tokens of GitHub, GitLab and Gitea, each for its host alone',
  async t => {
    const env = {
      ...{ GH_TOKEN: 'ghp_first', GITHUB_TOKEN: 'ghp_second', GITLAB_TOKEN: 'glpat-one' },
      ...{ GH_HOST: 'git.corp.test', GH_ENTERPRISE_TOKEN: 'ghe_token', GITEA_TOKEN: 'gitea_token' },
      GITEA_SERVER_URL: 'https://gitea.test:3000/',
    }
    const asked = asking(t, t.testdir({}), env, noGh)
    t.same(await tokenFor('github.com', asked), {
      host: 'github.com',
      user: 'x-access-token',
      token: 'ghp_first',
      source: 'GH_TOKEN of the environment',
    })
    t.match(await tokenFor('gitlab.com', asked), { user: 'oauth2', token: 'glpat-one' })
    t.match(await tokenFor('git.corp.test', asked), { token: 'ghe_token' })
    t.match(await tokenFor('gitea.test:3000', asked), { token: 'gitea_token' })
    for (const other of ['gitea.test', 'codeberg.org', 'github.com.evil.test', 'api.github.com']) {
      t.equal(await tokenFor(other, asked), null, other)
    }
    const other = { GITLAB_TOKEN: 'glpat', GITLAB_HOST: 'gitlab.corp.test' }
    const elsewhere = asking(t, t.testdir({}), other, noGh)
    t.equal(await tokenFor('gitlab.com', elsewhere), null)
    t.match(await tokenFor('gitlab.corp.test', elsewhere), { token: 'glpat' })
  },
)

t.test('a variable without a usable token is as if it were not set', async t => {
  for (const GH_TOKEN of ['', '   ', 'abc', 'two words', 'a\r\nHost: evil', 'é'.repeat(10)]) {
    t.equal(await tokenFor('github.com', asking(t, t.testdir({}), { GH_TOKEN }, noGh)), null)
  }
})

t.test('gh is asked by its own command, without a prompt and without a shell', async t => {
  const gh = `[ "$#" = 4 ] && [ "$1 $2 $3" = 'auth token --hostname' ] || exit 2
[ -z "$GH_TOKEN$GITHUB_TOKEN" ] && [ "$GH_PROMPT_DISABLED" = 1 ] || exit 3
[ "$4" = github.com ] && echo gho_of_keyring
`
  const asked = asking(t, t.testdir({}), {}, { gh })
  t.match(await tokenFor('github.com', asked), { token: 'gho_of_keyring', source: /gh/ })
  t.equal(await tokenFor('gitlab.com', asked), null)
})

t.test('without gh its file is read, as is that of glab', async t => {
  const files = {
    gh: { 'hosts.yml': 'github.com:\n    user: ada\n    oauth_token: gho_of_file\n' },
    'glab-cli': {
      'config.yml':
        'git_protocol: ssh\nhosts:\n    gitlab.com:\n        token: glpat-of-file\n        user: ada\n',
    },
  }
  const home = t.testdir({ '.config': files })
  const asked = { ...asking(t, home), run: async () => null }
  t.match(await tokenFor('github.com', asked), { token: 'gho_of_file' })
  t.match(await tokenFor('gitlab.com', asked), { token: 'glpat-of-file', user: 'oauth2' })
  t.equal(await tokenFor('constructor', asked), null)
})

t.test('a damaged file of gh has no token', async t => {
  for (const text of ['github.com: {', '- list', 'github.com:\n  oauth_token: [a]\n', '']) {
    const home = t.testdir({ '.config': { gh: { 'hosts.yml': text } } })
    t.equal(await tokenFor('github.com', { ...asking(t, home), run: async () => null }), null)
  }
})

t.test("git's own helper is asked, and its store read", async t => {
  const home = t.testdir({
    '.gitconfig': '[credential]\n\thelper = store\n',
    '.git-credentials': 'https://ada:stored_token@git.corp.test\n',
  })
  const asked = asking(t, home, {}, noGh)
  t.same(await tokenFor('git.corp.test', asked), {
    host: 'git.corp.test',
    user: 'ada',
    token: 'stored_token',
    source: "git's credential helper",
  })
  t.equal(await tokenFor('other.test', asked), null, 'no prompt, and no token')
})

t.test('a repository in the working directory names no helper', async t => {
  const folder = t.testdir({ home: {} })
  const mark = join(folder, 'ran')
  execFileSync('git', ['init', '-q', folder])
  execFileSync('git', ['-C', folder, 'config', 'credential.helper', `!touch ${mark}`])
  const before = process.cwd()
  process.chdir(folder)
  t.teardown(() => process.chdir(before))
  t.equal(await tokenFor('git.corp.test', asking(t, join(folder, 'home'), {}, noGh)), null)
  t.notOk(existsSync(mark))
})

t.test('~/.netrc counts for its machines, never its default', async t => {
  const home = t.testdir({
    '.netrc': `# machine commented.test login x password never
machine git.corp.test login ada password netrc_token
machine half.test login ada
default login any password for_all_hosts
`,
  })
  const asked = asking(t, home, {}, noGh)
  t.match(await tokenFor('git.corp.test', asked), { user: 'ada', token: 'netrc_token' })
  for (const other of ['half.test', 'commented.test', 'other.test', 'login']) {
    t.equal(await tokenFor(other, asked), null, other)
  }
})

t.test('what is not a host is never asked for', async t => {
  const asked = {
    env: {},
    home: '/nowhere',
    run: () => Promise.reject(new Error('nobody is asked')),
  }
  for (const text of [
    '',
    '-h',
    'a b',
    'a\nhost=b',
    'a/b',
    'user@a',
    'A.test',
    `${'a'.repeat(300)}`,
  ]) {
    t.equal(await tokenFor(text, asked), null, JSON.stringify(text))
  }
})
