import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { exec } from '../../../../src/process/exec.ts'
import {
  findGitIdentity,
  renderGitHosts,
  renderGitIdentity,
} from '../../../../src/stack/additions/git.ts'

const ada = { name: 'Ada', mail: 'ada@example.com' }
const host = (listed: string) => findGitIdentity('host', async () => listed)

t.test('the identity of the host, of the setting, or of nobody', async t => {
  t.same(await host('user.name\nAda\0user.email\nada@example.com\0'), ada)
  t.same(await host('user.name\nOld\0user.email\nada@example.com\0user.name\nAda\0'), ada, 'last')
  t.same(await findGitIdentity('Ada <ada@example.com>'), ada)
  t.equal(await findGitIdentity('none', () => Promise.reject(new Error('nobody asks'))), null)
})

t.test("git itself is asked, for the user's own configuration", async t => {
  const home = t.testdir({ '.gitconfig': '[user]\n\tname = Ada\n\temail = ada@example.com\n' })
  const { HOME, XDG_CONFIG_HOME } = process.env
  t.teardown(() => Object.assign(process.env, { HOME, XDG_CONFIG_HOME }))
  Object.assign(process.env, { HOME: home, XDG_CONFIG_HOME: home })
  t.same(await findGitIdentity('host'), ada)
  process.env.HOME = join(home, 'nowhere')
  t.not((await findGitIdentity('host'))?.mail, ada.mail)
})

t.test('half of one is none', async t => {
  for (const listed of [
    '',
    'user.name\nAda\0',
    'user.email\na@b\0',
    'user.name\0user.email\na@b\0',
  ]) {
    t.equal(await host(listed), null)
  }
})

t.test('control characters are refused, and not shown', async t => {
  const error = await t.rejects(host('user.name\nA\x1b[2J\0user.email\na@b\0'), {
    message: /user\.name or user\.email is not usable/,
  })
  t.notMatch(String(error), /\x1b/)
})

t.test('git reads what was written, whatever is in a name', async t => {
  const name = 'A "B" \\ C; # [core] = $HOME'
  const file = join(t.testdir({}), 'config')
  await writeFile(file, renderGitIdentity({ name, mail: 'a"b@x' }))
  const get = async (key: string) =>
    (await exec('git', ['config', '--file', file, key])).stdout.trimEnd()
  t.equal(await get('user.name'), name)
  t.equal(await get('user.email'), 'a"b@x')
})

t.test('git itself reaches each spelling of an ssh remote over https', async t => {
  const folder = t.testdir({})
  const file = join(folder, 'hosts.gitconfig')
  await writeFile(file, renderGitHosts(['git.corp.test', '.wild.test', 'git.corp.test']))
  const url = async (remote: string) => {
    const env = { PATH: process.env.PATH ?? '', HOME: folder, GIT_CONFIG_GLOBAL: file }
    return (await exec('git', ['ls-remote', '--get-url', remote], { env })).stdout.trim()
  }
  for (const remote of [
    'git@git.corp.test:team/app.git',
    'ssh://git@git.corp.test/team/app.git',
    'ssh://git@git.corp.test:22/team/app.git',
    'ssh://git.corp.test/team/app.git',
    'git+ssh://git@git.corp.test/team/app.git',
    'https://git.corp.test/team/app.git',
  ]) {
    t.equal(await url(remote), 'https://git.corp.test/team/app.git', remote)
  }
  t.equal(await url('git@wild.test:a/b'), 'https://wild.test/a/b', 'a name with its subdomains')
  for (const other of ['git@git.other.test:a/b', 'git@git.corp.test.evil.test:a/b']) {
    t.equal(await url(other), other)
  }
})

t.test('a name cannot end the quotes of its line', t => {
  t.equal(renderGitHosts(['a"]\n[core]\n\tfsmonitor = x', '', '-', 'a b']), '')
  t.end()
})
