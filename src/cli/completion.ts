import addCommands from '@bomb.sh/tab/commander'
import type { Command } from 'commander'

/** Adds `completion SHELL`, and the hidden `complete` that its script calls for suggestions. */
export function addCompletion(program: Command) {
  addCommands(program, { completionCommandName: 'completion' })
}
