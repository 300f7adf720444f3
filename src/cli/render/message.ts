import { renderCommands } from '../../base/command.ts'
import { terminalLine } from '../../base/terminal-text.ts'

/** Renders one of our messages on one line, with its commands as a user types them. */
export function renderMessage(text: string, limit = 500): string {
  return terminalLine(typedCommands(text), limit)
}

/** Replaces only the commands, for longer text and for JSON. */
export function typedCommands(text: string): string {
  return renderCommands(text, words => `./claude.ts ${words}`)
}
