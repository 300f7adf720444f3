import { terminalText } from '../base/terminal-text.ts'

/**
 * What commander says of wrong usage, in two lines: what is wrong, and the help that tells what is right.
 * `command` is the one that was typed, if there is one of that name.
 */
export function renderUsageError(text: string, command?: string): string {
  // It repeats what was typed, or pasted.
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
