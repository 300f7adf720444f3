import type { SourceControl } from './source-controls.ts'

const receive = 'tests/integration/git/receive.test.ts'
const hostile = 'tests/integration/git/hostile-sessions.test.ts'
const view = 'tests/integration/git/session-view.test.ts'
const turns = 'tests/integration/git/turns.test.ts'
const undo = 'tests/integration/git/undo.test.ts'
const ofCopy = 'claude/lib/claude-secure'

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
  {
    control: 'an undo follows no link of the copy',
    file: `${ofCopy}/copy-git.pl`,
    remove: ['fail("$git$name is not a folder") unless -d _;', ''],
    test: turns,
  },
  {
    control: 'a state of a turn is not written through a link',
    file: `${ofCopy}/copy-git.pl`,
    remove: [
      'unlink "$path.new";\n  sysopen(my $file, "$path.new", O_WRONLY | O_CREAT | O_EXCL, 0600)',
      'sysopen(my $file, "$path.new", O_WRONLY | O_CREAT, 0600)',
    ],
    test: turns,
  },
  {
    control: 'a turn runs no filter of the copy',
    file: `${ofCopy}/copy-git.pl`,
    remove: ['return run_git({GIT_DIR => $own, ', 'return run_git({GIT_DIR => $git, '],
    test: turns,
  },
  {
    control: 'a turn runs no hook of the copy',
    file: `${ofCopy}/copy-git.pl`,
    remove: ['core.hooksPath=/dev/null ', ''],
    test: turns,
  },
  {
    control: 'the caller of a turn chooses no repository and no program',
    file: `${ofCopy}/copy-git.pl`,
    remove: ['  %ENV = (\n', '  %ENV = (%ENV,\n'],
    test: turns,
  },
  {
    control: 'a large file does not fill the copy at each turn',
    file: `${ofCopy}/copy-state.pl`,
    remove: ['$size <= $most{file} && ', ''],
    test: turns,
  },
  {
    control: 'an undo writes over no file that is not kept',
    file: 'claude/scripts/claude-secure-turn',
    remove: ["fail('a file is in the way: ' . encode($way[0])) if @way;", ''],
    test: turns,
  },
  {
    control: 'an undo does what was shown',
    file: 'claude/scripts/claude-secure-turn',
    remove: ['if (seen_of($now) ne $seen)', 'if (0)'],
    test: turns,
  },
  {
    control: 'an undo does not meet a turn that goes on',
    file: 'src/operations/sessions/undo-turns.ts',
    remove: ['kept.running && !options.force &&', 'kept.states.length < 0 &&'],
    test: undo,
  },
]
