import type { SourceControl } from './source-controls.ts'

const receive = 'tests/integration/git/receive.test.ts'
const hostile = 'tests/integration/git/hostile-sessions.test.ts'
const view = 'tests/integration/git/session-view.test.ts'

/** Controls of git sessions: what leaves a container, and how it is shown. */
export const sessionSourceControls: readonly SourceControl[] = [
  {
    control: 'the objects of a session are checked by git',
    file: 'src/git/receive.ts',
    remove: ["'--fix-thin', '--strict', '--threads=1'", "'--fix-thin', '--threads=1'"],
    test: receive,
  },
  {
    control: 'no hook of the repository runs when commits arrive',
    file: 'src/git/closed-git.ts',
    remove: ["'core.hooksPath=/dev/null', ", ''],
    test: receive,
  },
  {
    control: 'a missing object runs no transport of the repository',
    file: 'src/git/closed-git.ts',
    remove: ["...{ GIT_NO_LAZY_FETCH: '1', GIT_ALLOW_PROTOCOL: 'none' },", ''],
    test: hostile,
  },
  {
    control: 'a session has no commit of the user that was not sent',
    file: 'src/git/sent-commits.ts',
    remove: ['commits.find(id => !sent.has(id))', 'commits.find(id => id === range)'],
    test: hostile,
  },
  {
    control: 'a message does not fill a review',
    file: 'src/git/tree-rules.ts',
    remove: ['await judgeMessages(git, commits)', ''],
    test: hostile,
  },
  {
    control: 'findings of one kind do not hide those of another',
    file: 'src/git/findings.ts',
    remove: ['.sort((a, b) => a.turn - b.turn)', ''],
    test: hostile,
  },
  {
    control: 'a delivery has a bounded number of objects',
    file: 'src/git/receive.ts',
    remove: ['sent.objects > limits.objects', 'sent.objects < 0'],
    test: receive,
  },
  {
    control: 'a tip is a commit that was sent',
    file: 'src/git/receive.ts',
    remove: ["if (type !== 'commit') throw", "if (type === '') throw"],
    test: receive,
  },
  {
    control: 'a session brings no file that is too large',
    file: 'src/git/tree-rules.ts',
    remove: ['if (!(Number(size) > most)) continue', 'if (!(Number(size) > Infinity)) continue'],
    test: receive,
  },
  {
    control: 'a session brings no name that no file can have',
    file: 'src/git/tree-rules.ts',
    remove: ['Buffer.byteLength(part) > longest.name', 'part === undefined'],
    test: receive,
  },
  {
    control: 'a review shows the commits of its session alone',
    file: 'src/git/commits.ts',
    remove: [
      'if (first && found.length === 1) return first',
      'return first ?? ({ id: wanted } as Commit)',
    ],
    test: view,
  },
  {
    control: 'a patch that git gave up is not taken for the whole',
    file: 'src/git/commit-diff.ts',
    remove: ['truncated || code !== 0', 'truncated'],
    test: view,
  },
  {
    control: 'a large file does not make git give up a patch',
    file: 'src/git/closed-git.ts',
    remove: ['core.bigFileThreshold=4m', 'core.bigFileThreshold=512m'],
    test: view,
  },
  {
    control: 'a patch has no escape sequence',
    file: 'src/git/commit-diff.ts',
    remove: ['visibleText(textOf(', '((text: string) => text)(textOf('],
    test: view,
  },
  {
    control: 'a comment does not hide a secret',
    file: 'src/git/secrets.ts',
    remove: [".replaceAll(/secretlint-/gi, 'secretlint_')", ''],
    test: view,
  },
]
