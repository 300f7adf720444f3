import type { Command } from 'commander'
import type { Invocation } from './invocation.ts'

/** Adds the commands about this installation of claude-secure. */
export function addInstallation(
  command: (name: string, description: string) => Command,
  invocation: Invocation,
) {
  command('self-update', 'update this checkout of claude-secure, after showing what is new')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'show what is new without installing it')
    .action(async options =>
      (await import('./commands/self-update.ts')).selfUpdate(options, invocation),
    )
  command('uninstall', 'remove all stacks, volumes, images and state of claude-secure')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'show what would be removed')
    .option('-f, --force', 'also remove copies with unapplied changes')
    .action(async options =>
      (await import('./commands/uninstall.ts')).uninstall(options, invocation),
    )
}
