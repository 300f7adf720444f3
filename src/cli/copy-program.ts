import { type Command, Option } from 'commander'
import type { Invocation } from './invocation.ts'
import { repeatable } from './repeatable.ts'

/** Adds the commands of copy mode, which bring the agent's changes to the host. */
export function addCopy(
  command: (name: string, description: string) => Command,
  invocation: Invocation,
) {
  command('diff', 'show what the agent changed in its copy of this folder')
    .argument('[paths...]', 'files and folders, including ignored ones')
    .option('--stat', 'print names only')
    .option('--json', 'print names as JSON')
    .action(async (paths, options) =>
      (await import('./commands/diff.ts')).diff(paths, options, invocation),
    )
  command('apply', "write the agent's changes from its copy into this folder")
    .argument('[paths...]', 'files and folders, including ignored ones')
    .option('-i, --interactive', 'ask about each file')
    .addOption(
      new Option('--keep-mine', 'skip files that changed here too').conflicts([
        'takeCopy',
        'interactive',
      ]),
    )
    .addOption(
      new Option('--take-copy', 'replace files that changed here too').conflicts(['interactive']),
    )
    .option(
      '--include <name>',
      'also apply files your host would run, such as .vscode (repeatable)',
      repeatable,
    )
    .addOption(
      new Option('--undo', 'revert the last apply').conflicts([
        'interactive',
        'takeCopy',
        'include',
      ]),
    )
    .option('--dry-run', 'show what would change')
    .action(async (paths, options) =>
      invocation.setStatus(
        await (await import('./commands/apply.ts')).apply(paths, options, invocation),
      ),
    )
}
