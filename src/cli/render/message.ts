import { renderCommands } from '../../base/command.ts'
import { terminalLine } from '../../base/terminal-text.ts'

/** A message of ours on one line, with its commands as a person types them. */
export function renderMessage(text: string, limit = 500): string {
  return terminalLine(typedCommands(text), limit)
}

/** Only the commands: for text that goes on, and for JSON. */
export function typedCommands(text: string): string {
  return renderCommands(text, words => `./claude.ts ${words}`)
}
