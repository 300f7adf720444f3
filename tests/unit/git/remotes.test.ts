import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { chooseRemote, readRemotes } from '../../../src/git/remotes.ts'

t.test('the remotes of a configuration are read as a file', async t => {
  const gitDir = t.testdir({})
  writeFileSync(
    join(gitDir, 'config'),
    `[core]
	fsmonitor = "touch ${gitDir}/fired"
	sshCommand = "touch ${gitDir}/fired"
[remote "origin"]
	url = git@github.com:ada/tools.git
	url = git@mirror.example:ada/tools.git
	fetch = +refs/heads/*:refs/remotes/origin/*
[remote "a.b url"]
	url = /srv/a
	pushurl = https://a.example/b
[remote "none"]
	fetch = x
[include]
	path = ${gitDir}/more
`,
  )
  writeFileSync(join(gitDir, 'more'), '[remote "included"]\n\turl = /srv/i\n')
  const remotes = await readRemotes(gitDir)
  t.same(remotes, [
    {
      name: 'origin',
      url: 'git@github.com:ada/tools.git',
      pushUrl: 'git@github.com:ada/tools.git',
    },
    { name: 'a.b url', url: '/srv/a', pushUrl: 'https://a.example/b' },
  ])
  t.equal(chooseRemote(remotes).name, 'origin')
  t.equal(chooseRemote(remotes, 'a.b url').name, 'a.b url')
  t.throws(() => chooseRemote(remotes, 'x\x1b[2J'), {
    message: 'the repository has no remote x',
    hint: 'name one of its remotes: origin, a.b url',
  })
  t.same(await readRemotes(join(gitDir, 'nowhere')), [])
})

t.test('the only remote needs no name, and without one the next step is said', async t => {
  const only = { name: 'up', url: '/a', pushUrl: '/a' }
  t.equal(chooseRemote([only]), only)
  t.throws(() => chooseRemote([]), { message: /no remote to push to/, hint: /git remote add/ })
})
