import t from 'tap'
import { cutPatch, renderCommit, renderFinding } from '../../../../src/cli/render/review.ts'
import { proposeMessage } from '../../../../src/operations/sessions/propose-message.ts'

const commit = {
  ...{ id: 'a'.repeat(40), parents: [], subject: 'fix \u001b]0;x\u0007it', body: 'why\u202e' },
  ...{ author: { name: 'n\u001b[31m', mail: 'm@x' }, at: '2026-11-30T08:00:00.000Z' },
  ...{ onBranch: true, more: false },
  files: [
    {
      ...({ path: 'a\u001b[2J.txt', kind: 'modified', before: '100644', after: '100644' } as const),
      ...{ blob: '', insertions: 2, deletions: 1 },
    },
    {
      ...({ path: 'b.bin', kind: 'added', before: null, after: '100644' } as const),
      ...{ blob: '', insertions: null, deletions: null },
    },
  ],
  findings: [{ kind: 'host-file' as const, path: 'Makefile', detail: 'build tools', line: 3 }],
}

t.test('a commit shows its message, files, totals and findings, without escapes', async t => {
  const text = renderCommit(commit, false)
  t.equal(
    text,
    `commit aaaaaaaaaaaa fix it
n <m@x>, 2026-11-30T08:00:00.000Z

why<U+202E>

M a^[[2J.txt  +2 -1
A b.bin  binary
2 files, 2 insertions, 1 deletions
! host file Makefile:3: build tools`,
  )
  t.notMatch(renderCommit(commit, true), /\u001b\[2J|\u001b\]|\u202e/)
})

t.test('many files and findings are cut', async t => {
  const files = Array.from({ length: 60 }, () => commit.files[1] ?? commit.files[0]).flatMap(
    f => f ?? [],
  )
  const findings = Array.from({ length: 70 }, () => commit.findings).flat()
  const text = renderCommit({ ...commit, files, findings, onBranch: false }, false)
  t.match(text, 'and 10 more files')
  t.match(text, 'and 20 more findings')
  t.match(text, "not on the session's branch")
  t.equal(renderFinding({ kind: 'secret', path: 'a\nb', detail: 'x' }), '! secret a^Jb: x')
})

t.test('a long patch is cut at a line', async t => {
  t.same(cutPatch('a\nb\nc\n', 10), { shown: 'a\nb\nc\n', rest: 0 })
  t.same(cutPatch('a\nb\nc\n', 2), { shown: 'a\nb\n', rest: 2 })
})

t.test('the message of a pull request is proposed from the commits', async t => {
  t.same(proposeMessage([{ subject: 'fix it', body: 'because' }], 'claude/x'), {
    ...{ title: 'fix it', body: 'because' },
  })
  const two = [
    { subject: 'second', body: '' },
    { subject: 'first\u001b[2J', body: '' },
  ]
  t.same(proposeMessage(two, 'claude/fix-login'), { title: 'fix login', body: '- first\n- second' })
})
