import t from 'tap'
import { renderUsageError } from '../../../src/cli/usage-error.ts'

t.test('two lines: what is wrong, and where to read what is right', t => {
  for (const [text, command, hint] of [
    [
      "error: unknown command 'x'",
      undefined,
      'as a prompt: ./claude.ts run "x"; ./claude.ts --help',
    ],
    [
      "error: unknown command 'strat'\n(Did you mean start?)",
      undefined,
      'Did you mean start?; as a prompt: ./claude.ts run "strat"',
    ],
    ["error: unknown option '--x'", 'start', './claude.ts start --help shows what it takes'],
    ["error: unknown option '--x'", undefined, './claude.ts --help shows every command'],
    ["error: unknown option '--copi'\n(Did you mean --copy?)", 'run', 'Did you mean --copy?'],
    ["error: too many arguments for 'run'. Expected 1", 'run', 'a prompt is one argument'],
    ["error: too many arguments for 'stop'. Expected 1", 'stop', './claude.ts stop --help'],
  ] as const) {
    const lines = renderUsageError(text, command).split('\n')
    t.equal(lines.length, 3)
    t.equal(lines[0], text.split('\n')[0])
    t.equal(lines[1]?.slice(0, `hint:  ${hint}`.length), `hint:  ${hint}`)
    t.equal(lines[2], '')
  }
  t.end()
})

t.test('what was typed does not reach the terminal as it is', t => {
  t.notMatch(renderUsageError("error: unknown command '\x1b]0;owned\x07'"), /\x1b|\x07/)
  t.end()
})
