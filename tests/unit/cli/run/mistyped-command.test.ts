import t from 'tap'
import { commandLine } from '../../../../src/cli/command-line.ts'
import { refuseMistypedRunCommand } from '../../../../src/cli/run/mistyped-command.ts'

const judge = (...argv: string[]) => refuseMistypedRunCommand(commandLine(argv))

t.test(
  'a mistyped command about runs is refused, with the command and the form for a prompt',
  async t => {
    for (const [word, meant] of [
      ['lsit', 'list'],
      ['lis', 'list'],
      ['lists', 'list'],
      ['List', 'list'],
      ['log', 'logs'],
      ['reslut', 'result'],
      ['results', 'result'],
      ['rezult', 'result'],
      ['cancle', 'cancel'],
      ['cancell', 'cancel'],
    ] as const) {
      t.throws(
        () => judge('run', word, '--json'),
        {
          message: `unknown command run ${word}`,
          hint: new RegExp(`did you mean run ${meant}\\? .* run -- ${word}$`),
          exitCode: 2,
        },
        word,
      )
    }
    t.throws(() => judge('--verbose', 'run', 'lsit'), /unknown command run lsit/)
  },
)

t.test('prompts are left alone', async t => {
  for (const argv of [
    ['run'],
    ['run', 'test'],
    ['run', 'lint'],
    ['run', 'last'],
    ['run', 'fix'],
    ['run', 'docs'],
    ['run', '--', 'lsit'],
    ['run', '--quiet', 'test'],
    ['run', 'list'],
    ['run', 'lsit all files'],
    ['status', 'lsit'],
    ['lsit all files'],
  ]) {
    t.doesNotThrow(() => judge(...argv), argv.join(' '))
  }
})
