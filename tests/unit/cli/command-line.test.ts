import t from 'tap'
import { commandLine } from '../../../src/cli/command-line.ts'

t.test('a prompt with spaces is a run, with options before or after it', async t => {
  for (const [typed, meant] of [
    [['fix the test'], ['run', '--', 'fix the test']],
    [
      ['- fix the test', '--model', 'opus'],
      ['run', '--model', 'opus', '--', '- fix the test'],
    ],
    [
      ['--verbose', 'fix it now'],
      ['--verbose', 'run', '--', 'fix it now'],
    ],
    [['line\nline'], ['run', '--', 'line\nline']],
    [
      ['-p', 'word'],
      ['run', '-p', 'word'],
    ],
    [
      ['--print', 'word'],
      ['run', '--print', 'word'],
    ],
    [
      ['--model', 'opus', 'do it'],
      ['run', '--model', 'opus', 'do it'],
    ],
  ]) {
    t.same(commandLine(typed ?? []), meant)
  }
})

t.test('commands stay unchanged, and a single word is not taken for a prompt', async t => {
  for (const typed of [
    [],
    ['start', '--copy'],
    ['strat'],
    ['--help'],
    ['-h'],
    ['-V'],
    ['--version'],
    ['--verbose'],
    ['--verbose', 'status'],
    ['run'],
    ['run', 'a prompt'],
    ['run', '--', 'list'],
    ['run', '--quiet', 'list'],
    [' '],
  ]) {
    t.same(commandLine(typed), typed)
  }
})

t.test('the commands about runs are commands only directly after `run`', async t => {
  t.same(commandLine(['run', 'list', '--json']), ['run list', '--json'])
  t.same(commandLine(['--verbose', 'run', 'cancel', 'x']), ['--verbose', 'run cancel', 'x'])
  t.same(commandLine(['run', 'list all files']), ['run', 'list all files'])
})
