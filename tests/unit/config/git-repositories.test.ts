import t from 'tap'
import { weakening } from '../../../src/config/folder-settings.ts'
import { parseGitRepositories, parseGitRepository } from '../../../src/config/git-repositories.ts'

t.test('a repository is a name or a URL, with or without .git', async t => {
  const app = { host: 'github.com', path: 'me/app', push: true }
  for (const text of [
    'github.com/me/app',
    'github.com/me/app.git',
    'https://github.com/me/app',
    'https://github.com/me/app.git/',
  ]) {
    t.same(parseGitRepository(text), app, text)
  }
  t.same(parseGitRepository('github.com/me/app.git:ro'), { ...app, push: false })
  t.match(parseGitRepository('gitlab.com/a/b/c/lib.js'), { path: 'a/b/c/lib.js' })
  t.match(parseGitRepository('git.sr.ht/~me/app'), { path: '~me/app' })
})

t.test('whatever could mean another repository is refused', async t => {
  for (const text of [
    '',
    'app',
    'me/app',
    'github.com',
    'github.com/',
    'localhost/me/app',
    '127.0.0.1/me/app',
    'GitHub.com/me/app',
    'github.com:8443/me/app',
    'http://github.com/me/app',
    'ssh://git@github.com/me/app',
    'git@github.com:me/app',
    'https://user:password@github.com/me/app',
    'github.com/me/../app',
    'github.com/me/..',
    'github.com/./app',
    'github.com/me//app',
    'github.com/me/app?x=1',
    'github.com/me/app#x',
    'github.com/me/%2e%2e/app',
    'github.com/me/app.git/x',
    'github.com/me/app:rw',
    'github.com/me/a"b',
    'github.com/-me/app',
    `github.com/${'a'.repeat(250)}`,
  ]) {
    t.equal(parseGitRepository(text), null, text)
  }
})

t.test('a list has each repository once, and at most 32', async t => {
  t.same(parseGitRepositories(undefined), [])
  t.same(parseGitRepositories(' github.com/me/app:ro, github.com/me/app\tgithub.com/me/lib:ro '), [
    { host: 'github.com', path: 'me/app', push: true },
    { host: 'github.com', path: 'me/lib', push: false },
  ])
  t.equal(parseGitRepositories('github.com/me/app, nothing'), null)
  const many = Array.from({ length: 33 }, (_, at) => `github.com/me/app${at}`)
  t.equal(parseGitRepositories(many.join()), null)
})

t.test('a folder is told what it gives away', async t => {
  t.match(
    weakening('GIT_REPOSITORIES', 'github.com/me/lib:ro'),
    /read github\.com\/me\/lib:ro with/,
  )
  t.match(
    weakening('GIT_REPOSITORIES', 'github.com/me/app'),
    /, and push branches claude\/… there,/,
  )
})
