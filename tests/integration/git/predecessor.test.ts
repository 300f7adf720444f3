/** What claude-code-runner got wrong between a container and the host, from end to end. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { diffCommit } from '../../../src/git/commit-diff.ts'
import { listCommits } from '../../../src/git/commits.ts'
import { findForge } from '../../../src/git/forge/find-forge.ts'
import { createForgeRepository } from '../../../src/git/forge/forge-repository.ts'
import { push } from '../../../src/git/push/push.ts'
import { parseRemoteUrl } from '../../../src/git/remote-url.ts'
import { readTips } from '../../../src/git/tips.ts'
import { startForge } from '../../support/forge/forge-stand-in.ts'
import { createRepositories, gitIn, sessionName } from '../../support/git/repositories.ts'

/** Shell syntax with which a branch or a message was a command on the host. */
const commands = ['x$(touch${IFS}F)', 'x`touch F`', "x';touch F;'", 'x"|touch F', 'x&&touch F']

async function createSession(t: Test) {
  const made = await createRepositories(t)
  const root = join(made.host, '..')
  const bare = join(root, 'remote.git')
  gitIn(root, ['clone', '--quiet', '--bare', made.host, bare])
  const tips = () => readTips(made.repository, sessionName)
  return {
    ...{ ...made, root, bare },
    commits: async () => listCommits(made.quarantine.git, await tips()),
    pushTo: async (branch: string) =>
      push({
        ...{ gitDir: join(made.host, '.git'), url: bare, branch, scratch: join(root, 'scratch') },
        commit: (await tips()).branch ?? '',
        settings: { settings: [], sshCommand: null },
        login: async () => null,
      }),
  }
}

/** Files with the names that the planted commands make, anywhere that they could run. */
const planted = (...folders: string[]) =>
  folders.flatMap(folder => readdirSync(folder).filter(name => ['F', 'PLANTED'].includes(name)))

const hooksOf = (folder: string) =>
  readdirSync(join(folder, '.git')).includes('hooks') ? readdirSync(join(folder, '.git/hooks')) : []

t.test('a branch name and a commit message are never a command', async t => {
  const session = await createSession(t)
  const { host, root, bare, commit, deliver, commits, pushTo, quarantine, agent } = session
  const stand = await startForge(t, { kind: 'github' })
  const forge = await findForge(parseRemoteUrl(stand.remote), { kind: 'github' })
  if (!forge) throw new Error('no forge')
  const login = async () => ({ user: 'ada', token: 'token-that-writes' })
  const repository = createForgeRepository(forge, { login })
  for (const text of commands) {
    if (!/[ "]/.test(text)) agent('branch', text)
    const id = commit(text, { [`${text.replaceAll('/', '')}.txt`]: text })
    await deliver()
    const [newest] = await commits()
    t.match(newest, { id, subject: text })
    t.match((await diffCommit(quarantine.git, { id })).patch, text)
    const branch = text.replaceAll(' ', '')
    t.match(await pushTo(branch), { outcome: 'created' })
    t.equal(gitIn(bare, ['rev-parse', `refs/heads/${branch}`]).trim(), id)
    stand.state.repositories[0]?.branches.set(branch, id)
    const request = { title: text, body: text, head: branch, base: 'main' }
    t.match(await repository.open(request), { opened: true, pullRequest: { title: text } })
  }
  t.same(planted(root, host, bare, process.cwd(), '/'), [])
})

t.test('hooks, filters and settings of the copy stay in it', async t => {
  const session = await createSession(t)
  const { host, copy, root, bare, commit, deliver, pushTo } = session
  const mark = join(root, 'PLANTED')
  const before = readFileSync(join(host, '.git/config'), 'utf8')
  const hooks = hooksOf(host)
  commit('honest', {
    '.gitattributes': '* filter=evil diff=evil merge=evil\n',
    '.gitmodules': '[submodule "a"]\n\tpath = a\n\turl = ./a\n\tupdate = checkout\n',
    '.husky/pre-commit': `touch '${mark}'\n`,
  })
  const script = `#!/bin/sh\ntouch '${mark}'\n`
  mkdirSync(join(copy, '.git/hooks'), { recursive: true })
  for (const hook of [
    'pre-commit',
    'post-checkout',
    'post-merge',
    'pre-push',
    'reference-transaction',
  ]) {
    writeFileSync(join(copy, '.git/hooks', hook), script)
  }
  const values = {
    'core.fsmonitor': `touch '${mark}'`,
    'core.sshCommand': `touch '${mark}'`,
    'filter.evil.clean': `touch '${mark}'; cat`,
    'filter.evil.smudge': `touch '${mark}'; cat`,
    'diff.evil.textconv': `touch '${mark}'; cat`,
    'remote.origin.receivepack': `touch '${mark}'; git-receive-pack`,
    'alias.status': `!touch '${mark}'`,
  }
  // As the agent writes them: without running git with them.
  const lines = Object.entries(values).map(([key, value]) => {
    const [section = '', ...rest] = key.split('.')
    const name = rest.pop()
    const middle = rest.length > 0 ? ` "${rest.join('.')}"` : ''
    return `[${section}${middle}]\n\t${name} = "${value}"\n`
  })
  writeFileSync(join(copy, '.git/config'), `${before}${lines.join('')}`)
  // Only now: git of the agent may run them, but not before.
  for (const hook of readdirSync(join(copy, '.git/hooks'))) {
    chmodSync(join(copy, '.git/hooks', hook), 0o755)
  }
  t.ok((await deliver()).after.branch)
  t.equal(readFileSync(join(host, '.git/config'), 'utf8'), before)
  t.same(hooksOf(host), hooks)
  await pushTo('claude/test')
  for (const args of [['status'], ['diff'], ['log', '-p', '--all'], ['stash', 'list'], ['fsck']]) {
    gitIn(host, args)
  }
  gitIn(host, ['commit', '--quiet', '--allow-empty', '--message=mine'])
  t.same(planted(root, host, bare), [])
})
