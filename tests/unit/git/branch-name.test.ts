import t from 'tap'
import { branchNameProblem, parseBranchName } from '../../../src/git/branch-name.ts'
import { exec } from '../../../src/process/exec.ts'

const good = [
  'main',
  'claude/20261130-080000',
  'feature/ünïcode',
  'a.b-c_d',
  '日本',
  'v1.0',
  'a@b',
  "it's",
]
const bad = [
  ...[
    '',
    '-x',
    '--force',
    'a b',
    'a..b',
    'a~1',
    'a^',
    'a:b',
    'a?b',
    'a*',
    'a[b',
    'a\\b',
    'a@{1}',
    '@',
  ],
  ...['/a', 'a/', 'a//b', 'a/.b', '.a', 'a.', 'a.lock', 'a.lock/b', 'HEAD', 'refs/heads/a'],
  ...[
    'a\nb',
    'a\x1b[2J',
    'a\u202eb',
    'a\u200bb',
    'a\x7f',
    'a\0b',
    '\ud800',
    'f'.repeat(40),
    'x'.repeat(201),
  ],
]

t.test('branches of people and of sessions are accepted', async t => {
  for (const name of good) t.equal(parseBranchName(name), name)
})

t.test('options, revisions, control and invisible characters are refused', async t => {
  for (const name of bad) {
    t.ok(branchNameProblem(name), JSON.stringify(name))
    t.throws(() => parseBranchName(name), { message: /^the branch name/, hint: /such as claude\// })
  }
  try {
    parseBranchName('a\x1b]0;owned\x07')
  } catch (error) {
    t.notMatch(String(error), /\x1b|\x07/)
  }
})

t.test('git accepts each name that we accept', async t => {
  for (const name of [...good, ...bad].filter(name => branchNameProblem(name) === null)) {
    const { code } = await exec('git', ['check-ref-format', '--branch', name])
    t.equal(code, 0, name)
  }
})

t.test('a name with shell syntax stays one word', async t => {
  // A branch of that name was a command on the host for a predecessor.
  t.equal(parseBranchName('x$(touch${IFS}F)'), 'x$(touch${IFS}F)')
})
