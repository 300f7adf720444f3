import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { exec } from '../../../../src/process/exec.ts'
import { renderGitHosts } from '../../../../src/stack/additions/git-hosts.ts'

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
