import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.ts'
import { sessionStack, writeSession } from '../../../src/git/session-record.ts'
import type { EngineContext } from '../../../src/operations/context.ts'
import { makeStateFolder, stateFolder } from '../../../src/stack/state/state-folder.ts'
import type { CommitsView } from '../../../src/web/messages.ts'
import { createSessionSource } from '../../../src/web/session-source.ts'
import {
  createRepositories,
  gitIn,
  sessionBranch,
  sessionName,
} from '../../support/git/repositories.ts'

process.env.XDG_STATE_HOME = t.testdir()

/** A session of a real repository, whose container does not run. */
async function createSession(t: Parameters<typeof createRepositories>[0], more: object = {}) {
  const made = await createRepositories(t)
  const { host } = made
  const bare = join(host, '../remote.git')
  mkdirSync(bare)
  gitIn(bare, ['init', '--quiet', '--bare'])
  gitIn(host, ['remote', 'add', 'origin', `file://${bare}`])
  const { name: stack } = sessionStack(host, sessionName)
  await makeStateFolder(stateFolder(stack))
  await writeSession(stack, {
    ...{ version: 1, session: sessionName, folder: host, branch: sessionBranch },
    base: gitIn(host, ['rev-parse', 'HEAD']).trim(),
    ...{ target: 'main', started: '2026-11-30T08:00:00.000Z', remoteBranch: null },
    ...{ pullRequest: null, mayPush: true, mayOpenPullRequest: true, ...more },
  })
  const source = createSessionSource({
    engine: { containers: async () => [] },
    signal: new AbortController().signal,
    log: silentLog,
  } as unknown as EngineContext)
  const list = async () => {
    const seen: CommitsView[] = []
    await source.commits(stack, {
      onCommits: commits => seen.push(commits),
      onTrouble: text => t.fail(text),
      signal: new AbortController().signal,
    })
    return seen
  }
  const remote = () => gitIn(bare, ['for-each-ref', '--format=%(refname) %(objectname)']).trim()
  return { ...made, stack, source, list, remote }
}

t.test('commits and their diffs are read, and their text is safe to show', async t => {
  const { stack, source, list, commit, deliver } = await createSession(t)
  const id = commit('fix \u001b[31mit\u202e', { 'b.txt': 'two\u001b[2J\n', '.envrc': 'x\n' })
  await deliver()
  const [view] = await list()
  t.match(view, { branch: sessionBranch, tip: id, mayPush: true, mayOpenPullRequest: true })
  t.match(view?.commits, [{ id, subject: 'fix it', author: 'a', onBranch: true }])
  const details = await source.commit(stack, id)
  t.match(details, { id, message: 'fix it', truncated: false, more: false })
  t.same(details.files.map(({ path }) => path).sort(), ['.envrc', 'b.txt'])
  t.match(details.findings, [{ kind: 'host-file', path: '.envrc', line: null }])
  t.match(details.patch, '+two^[[2J')
  t.notMatch(JSON.stringify({ view, details }), /\\u001b|\u202e/)
  await t.rejects(source.commit(stack, 'f'.repeat(40)), { name: 'UserError' })
  await t.rejects(source.commit('claude-secure-none-00000000', id), /is not a git session/)
})

t.test('a push takes the commit that the user saw, and no other', async t => {
  const { stack, source, commit, deliver, remote } = await createSession(t)
  const seen = commit('seen', { 'b.txt': 'two\n' })
  await deliver()
  const later = commit('later', { 'b.txt': 'three\n' })
  await deliver()
  await t.rejects(source.review({ action: 'push', stack, tip: seen }), {
    message: 'the branch has changed since you looked at it',
  })
  t.equal(remote(), '')
  const notices = await source.review({ action: 'push', stack, tip: later })
  t.match(notices[0], `origin, ${sessionBranch}: created`)
  t.equal(remote(), `refs/heads/${sessionBranch} ${later}`)
})

t.test('a push is refused when the page cannot list all that it takes', async t => {
  const { stack, source, list, commit, deliver, agent, copy, remote } = await createSession(t)
  commit('hidden', { '.github/workflows/x.yml': 'on: push\n' })
  const count = 1_000
  const stream = Array.from({ length: count }, (_, at) =>
    [
      `commit refs/heads/${sessionBranch}`,
      ...['committer a <a@x.test> 1764500000 +0000', 'data 1', 'x'],
      ...(at === 0 ? [`from refs/heads/${sessionBranch}^0`] : []),
      '',
    ].join('\n'),
  )
  gitIn(copy, ['fast-import', '--quiet'], stream.join(''))
  const tip = agent('rev-parse', 'HEAD').trim()
  await deliver()
  const [view] = await list()
  t.match(view, { tip, unlisted: 1, commits: { length: count } })
  t.notMatch(JSON.stringify(view), 'hidden')
  for (const request of [
    { action: 'push', stack, tip },
    { action: 'pull-request', stack, tip, title: 'x', body: '' },
  ] as const) {
    await t.rejects(source.review(request), {
      message: 'the page does not list 1 commits of the branch',
    })
  }
  t.equal(remote(), '')
})

t.test('a session that was started not to push does not push from the page', async t => {
  const { stack, source, list, commit, deliver, remote } = await createSession(t, {
    mayPush: false,
  })
  const tip = commit('seen')
  await deliver()
  t.match((await list())[0], { mayPush: false, mayOpenPullRequest: false })
  for (const request of [
    { action: 'push', stack, tip },
    { action: 'pull-request', stack, tip, title: 'x', body: '' },
  ] as const) {
    await t.rejects(source.review(request), /was started not to push/)
  }
  t.equal(remote(), '')
})

t.test('the stack of a folder has no commits here', async t => {
  const { source } = await createSession(t)
  await source.commits('claude-secure-none-00000000', {
    onCommits: () => t.fail('no commits'),
    onTrouble: text => t.fail(text),
    signal: new AbortController().signal,
  })
  t.pass('it resolves at once')
})
