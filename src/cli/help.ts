import type { Argument, Command } from 'commander'
import { UserError } from '../base/errors.ts'
import { terminalLine, terminalText } from '../base/terminal-text.ts'
import { nearestName } from '../config/issue-message.ts'
import { checkoutRoot } from '../config/paths.ts'
import { readVersions } from '../operations/versions.ts'
import { calledAs } from './called-as.ts'

/** The groups of commands in `--help`. Groups and commands are shown in the order of their definition. */
const groups = {
  'A stack and its session': [
    'start',
    'stop',
    'update',
    'logs',
    'status',
    'shell',
    'forward',
    'web',
  ],
  'Runs, and the server': ['run', 'answer', 'serve', 'schedule'],
  'Stacks of all folders': ['list', 'attach', 'clean', 'purge'],
  'What the agent may reach': ['allow', 'deny', 'allowlist', 'log'],
  'The copy of a folder': ['diff', 'apply'],
  'Git sessions': ['session', 'review', 'push', 'pr'],
  'Conversations, settings, costs': ['clear-session', 'config', 'mcp', 'usage'],
  'Key or login': ['login', 'setup-token'],
  'This machine': [
    ...['demo', 'setup', 'build', 'images', 'doctor', 'audit'],
    ...['self-update', 'uninstall', 'completion', 'help'],
  ],
}

/** Sorts the commands of `program` into the groups of `--help`. */
export function groupCommands(program: Command): void {
  for (const [heading, names] of Object.entries(groups)) {
    for (const name of names) find(program, name)?.helpGroup(`${heading}:`)
  }
  program.configureHelp({
    // Most commands have options, so the word would say nothing.
    subcommandTerm: command =>
      [
        [command.name(), ...command.aliases()].join('|'),
        ...command.registeredArguments.map(argumentTerm),
      ].join(' '),
  })
}

function argumentTerm(argument: Argument) {
  const text = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${text}>` : `[${text}]`
}

/** Follows the list of commands in `--help`. */
export const examples = `
Examples:
  ${calledAs()} demo --yes        # try it without an account
  ${calledAs()} start             # open Claude Code in this folder
  ${calledAs()} run "fix the failing test"
  ${calledAs()} status --json     # status as JSON, for scripts

Settings are read from .env beside claude.ts; the allowlist is proxy/squid.conf.`

/** Shows the help of the command that `words` name, such as `run list`; without words, of all commands. */
export function showHelp(program: Command, words: readonly string[]): void {
  if (words.length === 0) program.help()
  const name = words.join(' ')
  const found = find(program, name)
  if (!found) throw unknown(program, name)
  found.help()
}

/** Prints the versions of this checkout and of its Claude Code. */
export function printVersion(): void {
  const { claudeSecure, claudeCode } = readVersions(checkoutRoot())
  console.log(`claude-secure ${claudeSecure}\nClaude Code ${claudeCode}`)
}

/** Rejects `unknown --help`, for which commander would show the help of all commands. */
export function refuseUnknownHelpTopic(program: Command, [word, ...rest]: readonly string[]): void {
  if (word === undefined || word.startsWith('-') || find(program, word)) return
  if (rest.some(option => option === '--help' || option === '-h')) throw unknown(program, word)
}

function find({ commands }: Command, name: string) {
  return commands.find(command => command.name() === name || command.aliases().includes(name))
}

function unknown({ commands }: Command, name: string) {
  const names = commands.flatMap(command => [command.name(), ...command.aliases()])
  const near = nearestName(name, names)
  return new UserError(`unknown command ${terminalLine(name, 60)}`, {
    hint: near
      ? `did you mean ${near}? run ${calledAs()} ${near} --help for its arguments`
      : `run ${calledAs()} --help to list the commands`,
    exitCode: 2,
  })
}

/**
 * Renders a usage error of commander on two lines: the error, and the help command as a hint. `command` is
 * the typed command, if it exists.
 */
export function renderUsageError(text: string, command?: string): string {
  // The message repeats typed or pasted text.
  const [message = '', ...more] = terminalText(text).trim().split('\n')
  return `${message}\nhint:  ${[...suggestions(message, more.join(' '), command)].join('; ').replace('?; ', '? ')}\n`
}

function* suggestions(message: string, near: string, command: string | undefined) {
  const meant = /^\(Did you mean (.*\?)\)$/.exec(near)?.[1]
  if (meant) yield `did you mean ${meant}`
  const unknown = /^error: unknown command '(.+)'$/.exec(message)?.[1]
  if (unknown) yield `for a prompt, run ${calledAs()} run "${unknown}"`
  else if (command === 'run' && message.includes('too many arguments')) {
    yield `quote the prompt, so that it is one argument: ${calledAs()} run "fix the failing test"`
  }
  if (meant) return
  yield command === undefined || unknown
    ? `run ${calledAs()} --help to list the commands`
    : `run ${calledAs()} ${command} --help for its arguments`
}
