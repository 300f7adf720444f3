import { inspect } from 'node:util'
import { createColors } from 'picocolors'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalText } from '../../base/terminal-text.ts'
import { renderMessage, typedCommands } from './message.ts'

/** Two lines: what failed with which value, and the next step. `verbose` adds causes and stacks. */
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
    `${red('error:')} ${renderMessage(messageOf(error), 400)}`,
    `${dim('hint:')}  ${renderMessage(hint, 400)}`,
  ]
  if (options.verbose) lines.push(terminalText(typedCommands(inspect(error, { depth: 4 }))))
  return lines.join('\n')
}
