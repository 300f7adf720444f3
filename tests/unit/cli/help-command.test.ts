import { Command } from 'commander'
import t from 'tap'
import { refuseHelpOfNothing, showHelp } from '../../../src/cli/help-command.ts'

function program() {
  const written: string[] = []
  const program = new Command('claude.ts').exitOverride()
  program.configureOutput({ writeOut: text => void written.push(text) })
  program.command('start').alias('begin').copyInheritedSettings(program)
  program.addCommand(new Command('run list').copyInheritedSettings(program), { hidden: true })
  return { program, written }
}

t.test('the help of a command, by any of its names', async t => {
  for (const [words, usage] of [
    [[], /^Usage: claude\.ts \[options\] \[command\]/],
    [['start'], /^Usage: claude\.ts start/],
    [['begin'], /^Usage: claude\.ts start/],
    [['run', 'list'], /^Usage: claude\.ts run list/],
  ] as const) {
    const { program: known, written } = program()
    t.throws(() => showHelp(known, words), { message: '(outputHelp)' })
    t.match(written.join(''), usage)
  }
})

t.test('what is no command is said, with the nearest that is one', async t => {
  const { program: known } = program()
  for (const [words, hint] of [
    [['strat'], /did you mean start\?/],
    [['run', 'lst'], /did you mean run list\?/],
    [['frobnicate'], /--help shows every command/],
    [['\x1b[2Jfrob'], /./],
  ] as const) {
    const expected = { message: /^there is no command [^\x1b]+$/, hint, exitCode: 2 }
    t.throws(() => showHelp(known, words), expected)
    if (words.length === 1) t.throws(() => refuseHelpOfNothing(known, [...words, '-h']), expected)
  }
})

t.test('only a question about nothing is refused before commander reads the line', async t => {
  const { program: known } = program()
  for (const line of [[], ['--help'], ['start', '--help'], ['strat'], ['strat', '--copy']]) {
    t.doesNotThrow(() => refuseHelpOfNothing(known, line))
  }
})
