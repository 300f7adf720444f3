import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readUserGitSettings, renderGitSettings } from '../../../../src/git/push/push-settings.ts'
import { exec } from '../../../../src/process/exec.ts'

t.test("a push keeps how the user reaches a host, and none of the user's programs", async t => {
  const listed = [
    'http.proxy\nhttp://proxy.corp:3128',
    'http.https://git.corp/.sslcainfo\n/etc/corp.pem',
    'url.https://github.com/.insteadof\ngh:',
    'core.sshcommand\nssh -i ~/.ssh/old',
    'core.sshcommand\nssh -i ~/.ssh/work',
    'core.hookspath\n/home/ada/hooks',
    'core.fsmonitor\n/home/ada/monitor',
    'core.gitproxy\n/home/ada/proxy',
    'core.askpass\n/home/ada/ask',
    'credential.helper\nstore',
    'credential.https://github.com.helper\n!gh auth git-credential',
    'http.extraheader\nAuthorization: Basic c2VjcmV0',
    'http.cookiefile\n/home/ada/cookies',
    'http.followredirects\ntrue',
    'remote.target.receivepack\ntouch /tmp/x',
    'remote.target.vcs\next',
    'protocol.ext.allow\nalways',
    'push.gpgsign\ntrue',
    'push.recursesubmodules\non-demand',
    'alias.push\n!touch /tmp/x',
    'user.name',
    '',
  ].join('\0')
  const { settings, sshCommand } = await readUserGitSettings(async () => listed)
  t.same(settings, [
    ['http.proxy', 'http://proxy.corp:3128'],
    ['http.https://git.corp/.sslcainfo', '/etc/corp.pem'],
    ['url.https://github.com/.insteadof', 'gh:'],
  ])
  t.equal(sshCommand, 'ssh -i ~/.ssh/work')
  t.same(await readUserGitSettings(async () => ''), { settings: [], sshCommand: null })
})

t.test('git reads what was rendered, whatever a value contains', async t => {
  const settings = [
    ['http.proxy', 'a "b" \\ c; # [core]\n\thooksPath = /x'],
    ['http.https://h"x\\y]/.proxy', 'plain'],
    ['url.https://a.b/c.d/.insteadof', ' spaces '],
  ] as const
  const file = join(t.testdir({}), 'config')
  await writeFile(file, renderGitSettings(settings))
  for (const [key, value] of settings) {
    const { stdout } = await exec('git', ['config', '-z', '--file', file, '--get', key])
    t.equal(stdout, `${value}\0`, key)
  }
  const { stdout } = await exec('git', ['config', '--file', file, '--name-only', '--list'])
  t.equal(stdout.trim().split('\n').length, settings.length)
})
