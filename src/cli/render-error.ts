import { inspect } from 'node:util'
import { createColors } from 'picocolors'
import { messageOf, UserError } from '../errors.ts'
import { terminalLine, terminalText } from '../terminal-text.ts'

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
    `${red('error:')} ${terminalLine(messageOf(error), 400)}`,
    `${dim('hint:')}  ${terminalLine(hint, 400)}`,
  ]
  if (options.verbose) lines.push(terminalText(inspect(error, { depth: 4 })))
  return lines.join('\n')
}
