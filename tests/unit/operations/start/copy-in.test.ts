import t from 'tap'
import { describeWork } from '../../../../src/operations/start/copy-in.ts'

t.test('what a discarded copy would lose is named; git status alone loses nothing', async t => {
  const unapplied = (changes: number, commits: boolean) =>
    describeWork({ kind: 'unapplied', changes, git: true, commits, digest: 'x' })
  t.equal(describeWork({ kind: 'applied' }), null)
  t.equal(unapplied(0, false), null, 'only the index was refreshed')
  t.equal(unapplied(1, false), '1 unapplied change')
  t.equal(unapplied(2, true), '2 unapplied changes and commits or branches')
  t.equal(unapplied(0, true), 'commits or branches')
  t.match(describeWork({ kind: 'unknown', reason: 'x\x1b[2J' }), /^contents .*\(x[^\x1b]*\)$/)
})
