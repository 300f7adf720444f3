import { terminalText } from '../base/terminal-text.ts'

/**
 * Renders a usage error of commander on two lines: the error, and the help command as a hint. `command` is
 * the typed command, if it exists.
 */
export function renderUsageError(text: string, command?: string): string {
  // The message repeats typed or pasted text.
  const [message = '', ...more] = terminalText(text).trim().split('\n')
  return `${message}\nhint:  ${[...suggestions(message, more.join(' '), command)].join('; ')}\n`
}

function* suggestions(message: string, near: string, command: string | undefined) {
  const meant = /^\((Did you mean .*\?)\)$/.exec(near)?.[1]
  if (meant) yield meant
  const unknown = /^error: unknown command '(.+)'$/.exec(message)?.[1]
  if (unknown) yield `as a prompt: ./claude.ts run "${unknown}"`
  else if (command === 'run' && message.includes('too many arguments')) {
    yield 'a prompt is one argument, in quotes: ./claude.ts run "fix the failing test"'
  }
  if (meant) return
  yield command === undefined || unknown
    ? './claude.ts --help shows every command'
    : `./claude.ts ${command} --help shows what it takes`
}
