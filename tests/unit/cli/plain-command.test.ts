import t from 'tap'
import type { Invocation } from '../../../src/cli/invocation.ts'
import { parsePlain } from '../../../src/cli/plain-command.ts'
import { createProgram } from '../../../src/cli/program.ts'

const invocation: Invocation = {
  verbose: false,
  completes: false,
  log: () => {},
  confirm: async () => false,
  canAsk: false,
  signal: new AbortController().signal,
  setStatus: () => {},
}

t.test('a plain line gives a command the options that the parser gives it', async t => {
  const lines = [
    ['start'],
    ['start', '--detach'],
    ['start', '-d', '--worker'],
    ['start', '-c'],
    ['start', '--continue', '--detach'],
    ['status'],
    ['status', '--json'],
    ['status', '--json', '--json'],
    ['list'],
    ['list', '--json'],
    ['list', '--all'],
    ['list', '-a', '--json'],
  ]
  for (const line of lines) {
    const [name = ''] = line
    const program = createProgram(invocation)
    const command = program.commands.find(command => command.name() === name)
    let parsed: unknown
    command?.action(options => {
      parsed = { ...options }
    })
    await program.parseAsync(line, { from: 'user' })
    t.same(parsePlain(line)?.switches, parsed, line.join(' '))
  }
})

t.test('every other line needs the parser', async t => {
  const lines = [
    [],
    ['start', '--no-continue'],
    ['start', '--copy'],
    ['start', '--exclude', 'x'],
    ['start', '-dc'],
    ['status', '--help'],
    ['status', '--verbose'],
    ['status', '--jsn'],
    ['status', 'here'],
    ['--verbose', 'status'],
    ['list', '-aj'],
    ['list', '--all=yes'],
    ['ls'],
    ['toString'],
    ['list', 'toString'],
  ]
  for (const line of lines) t.equal(parsePlain(line), null, line.join(' '))
})
