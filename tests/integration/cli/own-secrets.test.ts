import { execFileSync } from 'node:child_process'
import { rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'

const script = await createControlScript(t)
const DOCKER_HOST = await startFakeEngine(t, goodEngine)
const start = () => script.run(['start', '--detach'], { env: { DOCKER_HOST } })
const key = 'sk-ant-api03-NOTTOBESHOWN'

t.test('the password of a parent proxy is neither mounted nor in the workspace', async t => {
  const folder = t.testdir({ login: 'me:NOTTOBESHOWN\n' })
  const file = join(folder, 'login')
  const settings = (path: string) =>
    `ANTHROPIC_API_KEY=${key}\nPARENT_PROXY=http://proxy.test:3128\nPARENT_PROXY_LOGIN=${path}\n`
  await script.edit(t, '.env', () => `${settings(file)}CLAUDE_MOUNT_1=${folder}:/mnt/one:ro\n`)
  isTwoLines(t, await start(), {
    error: /CLAUDE_MOUNT_1: .* it is or holds the password of your parent proxy/,
    hint: /separate folder/,
  })
  const inWorkspace = join(script.workspace, 'login')
  await writeFile(inWorkspace, 'me:NOTTOBESHOWN\n')
  t.teardown(() => rm(inWorkspace))
  await script.edit(t, '.env', () => settings(inWorkspace))
  isTwoLines(t, await start(), {
    error: /holds the credentials of claude-secure .*login/,
    hint: /the folder of a project/,
  })
  // A symlink outside of it leads to the same file.
  const link = join(folder, 'link')
  await symlink(inWorkspace, link)
  await script.edit(t, '.env', () => settings(link))
  isTwoLines(t, await start(), {
    error: /holds the credentials of claude-secure .*login/,
    hint: /the folder of a project/,
  })
})

t.test('the repository of a linked worktree cannot be mounted writable', async t => {
  const repo = t.testdir()
  const git = (...args: string[]) =>
    execFileSync('git', [
      '-C',
      repo,
      '-c',
      'user.name=me',
      '-c',
      'user.email=me@host.test',
      ...args,
    ])
  git('init', '--quiet')
  git('commit', '--quiet', '--allow-empty', '--message=one')
  const { uid } = await stat(script.workspace)
  git('worktree', 'add', '--quiet', '--no-checkout', join(repo, 'linked'))
  const entry = join(repo, '.git/worktrees/linked')
  const pointer = join(script.workspace, '.git')
  await writeFile(pointer, `gitdir: ${entry}\n`)
  await writeFile(join(entry, 'gitdir'), `${pointer}\n`)
  execFileSync('chown', ['-R', String(uid), join(repo, '.git')])
  t.teardown(() => rm(pointer))
  await script.edit(
    t,
    '.env',
    () => `ANTHROPIC_API_KEY=${key}\nCLAUDE_MOUNT_1=${repo}/.git/hooks:/mnt/one\n`,
  )
  isTwoLines(t, await start(), {
    error: /CLAUDE_MOUNT_1: .* it is or holds the repository of the workspace/,
    hint: /separate folder/,
  })
})
