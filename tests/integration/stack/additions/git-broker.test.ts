import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { exec } from '../../../../src/process/exec.ts'
import { renderGitHosts } from '../../../../src/stack/additions/git.ts'
import { renderGitBroker } from '../../../../src/stack/additions/git-broker.ts'

const app = { host: 'git.corp.test', path: 'team/app', push: true }
const key = { kind: 'api-key', placeholder: 'sk-ant-api03-placeholder' } as const

t.test('git itself reaches each spelling of a listed repository through the gateway', async t => {
  const folder = t.testdir({})
  const file = join(folder, 'gitconfig')
  await writeFile(file, renderGitHosts(['git.corp.test']) + renderGitBroker([app], key))
  const git = async (...args: string[]) => {
    const env = { PATH: process.env.PATH ?? '', HOME: folder, GIT_CONFIG_GLOBAL: file }
    return (await exec('git', args, { env })).stdout.trim()
  }
  for (const remote of [
    'git@git.corp.test:team/app.git',
    'ssh://git@git.corp.test/team/app.git',
    'ssh://git@git.corp.test:22/team/app.git',
    'ssh://git.corp.test/team/app.git',
    'git+ssh://git@git.corp.test/team/app.git',
    'https://git.corp.test/team/app.git',
  ]) {
    t.equal(
      await git('ls-remote', '--get-url', remote),
      'http://gateway:8787/git/git.corp.test/team/app.git',
      remote,
    )
  }
  t.equal(
    await git('ls-remote', '--get-url', 'git@git.corp.test:team/other'),
    'https://git.corp.test/team/other',
  )
  const header = ['config', '--get-urlmatch', 'http.extraHeader']
  t.equal(
    await git(...header, 'http://gateway:8787/git/git.corp.test/team/app'),
    `x-api-key: ${key.placeholder}`,
  )
  t.equal(await git(...header, 'https://git.corp.test/team/app'), '')
  t.equal(await git(...header, 'http://gateway:8788/git/x'), '')
})

t.test("an OAuth token's placeholder is a bearer token", async t => {
  const token = { kind: 'oauth-token', placeholder: 'sk-ant-oat01-placeholder' } as const
  t.match(
    renderGitBroker([app], token),
    'extraHeader = "Authorization: Bearer sk-ant-oat01-placeholder"',
  )
})
