import { Command } from 'commander'
import t from 'tap'
import { refuseUnknownHelpTopic, renderUsageError, showHelp } from '../../../src/cli/help.ts'
import { createProgram } from '../../../src/cli/program.ts'

function program() {
  const written: string[] = []
  const program = new Command('claude.ts').exitOverride()
  program.configureOutput({ writeOut: text => void written.push(text) })
  program.command('start').alias('begin').copyInheritedSettings(program)
  program.addCommand(new Command('run list').copyInheritedSettings(program), { hidden: true })
  return { program, written }
}

t.test('a command has its help under each of its names', async t => {
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

t.test('--help shows the commands in groups, and the everyday ones first', async t => {
  const help = createProgram({
    signal: new AbortController().signal,
    verbose: false,
    completes: false,
    log: () => {},
    confirm: async () => false,
    canAsk: false,
    setStatus: () => {},
  }).helpInformation()
  const first = /^A stack and its session:\n((?: {2}.*\n)+)/m.exec(help)?.[1] ?? ''
  const everyday = [...first.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name)
  t.strictSame(everyday.slice(0, 6), ['start', 'stop', 'update', 'logs', 'status', 'shell'])
  t.notMatch(help, /^Commands:/m, 'each command has a group')
  for (const line of ['  run [prompt] ', '  list|ls ', '  allow <names...> ', '  uninstall ']) {
    t.ok(help.includes(`\n${line}`), line)
  }
})

t.test('an unknown command is refused, with the nearest name as a hint', async t => {
  const { program: known } = program()
  for (const [words, hint] of [
    [['strat'], /did you mean start\?/],
    [['run', 'lst'], /did you mean run list\?/],
    [['frobnicate'], /--help to list the commands/],
    [['\x1b[2Jfrob'], /./],
  ] as const) {
    const expected = { message: /^unknown command [^\x1b]+$/, hint, exitCode: 2 }
    t.throws(() => showHelp(known, words), expected)
    if (words.length === 1)
      t.throws(() => refuseUnknownHelpTopic(known, [...words, '-h']), expected)
  }
})

t.test('only --help of an unknown command is refused before commander parses the line', async t => {
  const { program: known } = program()
  for (const line of [[], ['--help'], ['start', '--help'], ['strat'], ['strat', '--copy']]) {
    t.doesNotThrow(() => refuseUnknownHelpTopic(known, line))
  }
})

t.test('a usage error has two lines: the error, and the command that helps', t => {
  for (const [text, command, hint] of [
    [
      "error: unknown command 'x'",
      undefined,
      'for a prompt, run ./claude.ts run "x"; run ./claude.ts --help',
    ],
    [
      "error: unknown command 'strat'\n(Did you mean start?)",
      undefined,
      'did you mean start? for a prompt, run ./claude.ts run "strat"',
    ],
    ["error: unknown option '--x'", 'start', 'run ./claude.ts start --help for its arguments'],
    ["error: unknown option '--x'", undefined, 'run ./claude.ts --help to list the commands'],
    ["error: unknown option '--copi'\n(Did you mean --copy?)", 'run', 'did you mean --copy?'],
    ["error: too many arguments for 'run'. Expected 1", 'run', 'quote the prompt'],
    ["error: too many arguments for 'stop'. Expected 1", 'stop', 'run ./claude.ts stop --help'],
  ] as const) {
    const lines = renderUsageError(text, command).split('\n')
    t.equal(lines.length, 3)
    t.equal(lines[0], text.split('\n')[0])
    t.equal(lines[1]?.slice(0, `hint:  ${hint}`.length), `hint:  ${hint}`)
    t.equal(lines[2], '')
  }
  t.end()
})

t.test('typed text is sanitised for the terminal', t => {
  t.notMatch(renderUsageError("error: unknown command '\x1b]0;owned\x07'"), /\x1b|\x07/)
  t.end()
})
