import { createColors } from 'picocolors'
import { renderCommands } from '../../base/command.ts'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalLine, terminalText } from '../../base/terminal-text.ts'
import { calledAs } from '../called-as.ts'

/** Renders one of our messages on one line, with its commands as a user types them. */
export function renderMessage(text: string, limit = 500): string {
  return terminalLine(typedCommands(text), limit)
}

/** Replaces only the commands, for longer text and for JSON. */
export function typedCommands(text: string): string {
  return renderCommands(text, words => `${calledAs()} ${words}`)
}

/** Renders an error on two lines: the failure with its value, and the next step. `verbose` adds causes and stacks. */
export function renderError(
  error: unknown,
  options: { verbose: boolean; colour: boolean },
): string {
  const { red, dim } = createColors(options.colour)
  const hint =
    error instanceof UserError
      ? error.hint
      : 'this is a bug in claude-secure: please report it with the output of --verbose'
  const lines = [
    `${red('error:')} ${renderMessage(messageOf(error), 1_000)}`,
    `${dim('hint:')}  ${renderMessage(hint, 400)}`,
  ]
  if (options.verbose) {
    // Loaded on demand: it takes every command 2 ms, and few fail.
    const { inspect } = process.getBuiltinModule('node:util')
    lines.push(terminalText(typedCommands(inspect(error, { depth: 4 }))))
  }
  return lines.join('\n')
}
