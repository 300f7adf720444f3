import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import addCommands from '@bomb.sh/tab/commander'
import type { Command } from 'commander'
import { checkoutRoot, stateRoot } from '../config/paths.ts'
import { presets } from '../egress/presets/presets.ts'
import { readPolicyLists } from '../operations/policy/policy-files.ts'
import { isStackName } from '../stack/identity.ts'
import { renderUsageError } from './help.ts'
import { shellWord } from './shell-word.ts'

const commandName = 'completion'

/** Adds `completion SHELL`, and the hidden `complete` that its script calls for suggestions. */
export function addCompletion(program: Command) {
  // Only for suggestions: this program parses no command.
  for (const name of ['attach', 'stop', 'clean']) {
    program.commands
      .find(command => command.name() === name)
      ?.registeredArguments[0]?.choices(knownStacks())
  }
  for (const [name, names] of [
    // Presets only. The agent chose the blocked names, so a Tab must not allow one of them.
    ['allow', Object.keys(presets).map(preset => `@${preset}`)],
    ['deny', listedNames()],
  ] as const) {
    program.commands
      .find(command => command.name() === name)
      ?.registeredArguments[0]?.choices(names)
  }
  const suggestions = addCommands(program, { completionCommandName: commandName })
  const script = shellWord(join(checkoutRoot(), 'claude.ts')) ?? program.name()
  program.commands
    .find(command => command.name() === commandName)
    ?.description('print the completion script of a shell')
    .configureOutput({ outputError: (text, write) => write(renderUsageError(text, commandName)) })
    .action((shell: string) => suggestions.setup(program.name(), script, shell))
}

/** Returns the names in proxy/squid.conf that the agent may reach; none when the file is unreadable. */
export function listedNames(root = checkoutRoot()): string[] {
  try {
    const { agent, checkout } = readPolicyLists(root, null)
    const names = [...agent, ...checkout].map(({ name }) => name)
    return [...new Set(names)].filter(name => /^[\w.-]+$/.test(name)).sort()
  } catch {
    return []
  }
}

/** Returns the names of all stacks started here, as `attach` accepts them; needs no engine. */
export function knownStacks(root = stateRoot()): string[] {
  try {
    const names = readdirSync(join(root, 'stacks')).filter(isStackName)
    return names.map(name => name.replace(/^claude-secure-/, '')).sort()
  } catch {
    return []
  }
}
