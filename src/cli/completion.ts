import { join } from 'node:path'
import addCommands from '@bomb.sh/tab/commander'
import type { Command } from 'commander'
import { checkoutRoot } from '../config/paths.ts'

const commandName = 'completion'

/** Adds `completion SHELL`, and the hidden `complete` that its script calls for suggestions. */
export function addCompletion(program: Command) {
  const suggestions = addCommands(program, { completionCommandName: commandName })
  const script = shellWord(join(checkoutRoot(), 'claude.ts')) ?? program.name()
  program.commands
    .find(command => command.name() === commandName)
    ?.action((shell: string) => suggestions.setup(program.name(), script, shell))
}

/**
 * The path as a word of any shell, so that `./claude.ts <Tab>` works without a link in PATH; null
 * where quoting differs between shells.
 */
export function shellWord(path: string): string | null {
  if (/^[\w/.+-]+$/.test(path)) return path
  return /^[\w/.+ -]+$/.test(path) ? `'${path}'` : null
}
