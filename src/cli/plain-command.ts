import type { Invocation } from './invocation.ts'

type Command = {
  /** Options as typed, each a switch, and their names in the command's options. */
  switches: Readonly<Record<string, string>>
  run: (switches: Readonly<Record<string, boolean>>, invocation: Invocation) => Promise<void>
}

/** Commands that scripts and prompts of shells repeat: to define all commands takes longer than to run these. */
const commands: Readonly<Record<string, Command>> = {
  start: {
    switches: {
      ...{ '--detach': 'detach', '-d': 'detach', '--continue': 'continue', '-c': 'continue' },
      '--worker': 'worker',
    },
    run: async (switches, invocation) => {
      const { start } = await import('./commands/start.ts')
      invocation.setStatus(await start(switches, invocation))
    },
  },
  status: {
    switches: { '--json': 'json' },
    run: async (switches, invocation) =>
      (await import('./commands/status.ts')).status(switches, invocation),
  },
  list: {
    switches: { '--json': 'json', '--all': 'all', '-a': 'all' },
    run: async (switches, invocation) =>
      (await import('./commands/list.ts')).list(switches, invocation),
  },
}

/**
 * Returns what runs a command line that needs no parser: one of these commands, with switches alone. Null
 * for every other line, which may also be a mistyped one. A test compares the options with the parser's.
 */
export function plainCommand(
  line: readonly string[],
): ((invocation: Invocation) => Promise<void>) | null {
  const parsed = parsePlain(line)
  if (!parsed) return null
  return async invocation => {
    // Called before the first schema is created.
    const { interpretSchemas } = await import('./interpret-schemas.ts')
    interpretSchemas()
    await parsed.command.run(parsed.switches, invocation)
  }
}

/** Returns the command that a line names, and its switches; null for a line that needs the parser. */
export function parsePlain([name = '', ...options]: readonly string[]) {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command || !options.every(option => Object.hasOwn(command.switches, option))) {
    return null
  }
  const switches = options.map(option => [command.switches[option] ?? '', true] as const)
  return { command, switches: Object.fromEntries(switches) as Record<string, boolean> }
}
