import t from 'tap'
import { parseRemoteRefs } from '../../../../src/git/push/remote-refs.ts'

const id = 'a'.repeat(40)

t.test('the default branch and the commit of the branch are found', async t => {
  const output = `ref: refs/heads/main\tHEAD\n${'b'.repeat(40)}\tHEAD\n${id}\trefs/heads/x\n`
  t.same(parseRemoteRefs(output, 'x'), { defaultBranch: 'main', commit: id })
  t.same(parseRemoteRefs('', 'x'), { defaultBranch: null, commit: null })
})

t.test('refs that only end like the branch, or like HEAD, do not count', async t => {
  const output = [
    `ref: refs/heads/evil\trefs/remotes/origin/HEAD`,
    `${id}\trefs/remotes/a/refs/heads/x`,
    `${id}\trefs/heads/x/refs/heads/x`,
    `not-an-id\trefs/heads/x`,
  ].join('\n')
  t.same(parseRemoteRefs(output, 'x'), { defaultBranch: null, commit: null })
})
