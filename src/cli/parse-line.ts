import { CommanderError } from 'commander'
import { refuseUnknownHelpTopic } from './help.ts'
import { type Invocation, usageReported } from './invocation.ts'
import { createProgram } from './program.ts'
import { refuseMistypedRunCommand } from './run/mistyped-command.ts'

/**
 * Parses a command line in the form of `commandLine`, and runs its command. Throws `usageReported` for one
 * that does not parse.
 */
export async function parseLine(line: readonly string[], invocation: Invocation): Promise<void> {
  const program = createProgram(invocation)
  // Loaded before the first schema, and not at all for a help text.
  program.hook('preAction', async () => (await import('./interpret-schemas.ts')).interpretSchemas())
  if (invocation.completes) await (await import('./completion.ts')).addCompletion(program)
  refuseUnknownHelpTopic(program, line)
  refuseMistypedRunCommand(line)
  try {
    await program.parseAsync(line, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Commander also throws after --help and --version.
    if (error.exitCode !== 0) throw usageReported
  }
}
