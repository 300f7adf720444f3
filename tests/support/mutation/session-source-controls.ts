import type { SourceControl } from './source-controls.ts'

const receive = 'tests/integration/git/receive.test.ts'
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
    control: 'replaced objects are not followed',
    file: 'src/git/closed-git.ts',
    remove: ["GIT_NO_REPLACE_OBJECTS: '1', ", ''],
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
