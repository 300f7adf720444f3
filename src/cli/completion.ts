import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import addCommands from '@bomb.sh/tab/commander'
import type { Command } from 'commander'
import { checkoutRoot, stateRoot } from '../config/paths.ts'
import { presets } from '../egress/presets/presets.ts'
import { readAllowlist } from '../operations/policy/allowlist-file.ts'
import { isStackName } from '../stack/identity.ts'
import { renderUsageError } from './usage-error.ts'

const commandName = 'completion'

/** Adds `completion SHELL`, and the hidden `complete` that its script calls for suggestions. */
export function addCompletion(program: Command) {
  // It only suggests them: no command is parsed by this program.
  for (const name of ['attach', 'stop', 'clean']) {
    program.commands
      .find(command => command.name() === name)
      ?.registeredArguments[0]?.choices(knownStacks())
  }
  for (const [name, names] of [
    // Names that were blocked are the agent's wishes: nobody is to open them with a Tab.
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
    ?.configureOutput({ outputError: (text, write) => write(renderUsageError(text, commandName)) })
    .action((shell: string) => suggestions.setup(program.name(), script, shell))
}

/** Names that the agent may reach, of proxy/squid.conf; none where that cannot be read. */
export function listedNames(root = checkoutRoot()): string[] {
  try {
    const names = readAllowlist(root).agent.map(({ name }) => name)
    return [...new Set(names)].filter(name => /^[\w.-]+$/.test(name)).sort()
  } catch {
    return []
  }
}

/** Names that attach and others understand, of all stacks that were started here; asks no engine. */
export function knownStacks(root = stateRoot()): string[] {
  try {
    const names = readdirSync(join(root, 'stacks')).filter(isStackName)
    return names.map(name => name.replace(/^claude-secure-/, '')).sort()
  } catch {
    return []
  }
}

/**
 * The path as a word of any shell, so that `./claude.ts <Tab>` works without a link in PATH; null
 * where quoting differs between shells.
 */
export function shellWord(path: string): string | null {
  if (/^[\w/.+-]+$/.test(path)) return path
  return /^[\w/.+ -]+$/.test(path) ? `'${path}'` : null
}
