import t from 'tap'
import { Settings } from '../../../../src/config/settings.ts'
import { announce, repositoryNotice } from '../../../../src/operations/start/announce.ts'
import { noAdditions } from '../../../../src/stack/additions/additions.ts'

t.test('where git works, nothing is said', t => {
  t.equal(repositoryNotice({ kind: 'own' }), null)
  t.equal(repositoryNotice({ kind: 'elsewhere', common: '/r/.git', worktree: 'w' }), null)
  t.end()
})

t.test('a subfolder names the folder to start in', t => {
  t.equal(
    repositoryNotice({ kind: 'above', top: '/home/me/repo' }),
    'git does not work in the container: this folder is a part of the repository /home/me/repo; start there to give the agent its git',
  )
  t.end()
})

t.test('a .git file is quoted without its escapes, and the command comes last', t => {
  const notice = repositoryNotice({
    kind: 'refused',
    named: '/x\x1b]0;title\x07y',
    problem: 'does not exist',
    hint: 'run git worktree repair in the main repository',
  })
  t.match(notice, /\.git names \S+, which does not exist; run git worktree repair in/)
  t.notMatch(notice, '\x1b')
  t.end()
})

t.test('repositories that the gateway reaches are named, in a demo none', async t => {
  const said: string[] = []
  const repositories = [
    { host: 'git.test', path: 'me/app', push: true },
    { host: 'git.test', path: 'me/lib', push: false },
  ]
  const stack = (mode: string) =>
    ({
      ...{ mode, workspace: { mode: 'mount', path: t.testdir({}) } },
      ...{ settings: Settings.parse({}), state: {}, additions: { ...noAdditions, repositories } },
    }) as unknown as Parameters<typeof announce>[1]
  const log = (event: { text?: string }) => void said.push(event.text ?? '')
  await announce(log as Parameters<typeof announce>[0], stack('api-key'), 'started')
  await announce(log as Parameters<typeof announce>[0], stack('rehearsal'), 'started')
  t.same(
    said.filter(text => text.includes('git')),
    [
      "the gateway reaches git.test/me/app, git.test/me/lib (fetches alone) for the agent's git, with your token",
    ],
  )
})
