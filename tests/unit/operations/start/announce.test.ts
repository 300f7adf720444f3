import t from 'tap'
import { repositoryNotice } from '../../../../src/operations/start/announce.ts'

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
