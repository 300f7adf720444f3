import type { Command } from 'commander'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { calledAs } from './called-as.ts'
import type { Invocation } from './invocation.ts'

/** Adds the commands about this installation of claude-secure. */
export function addInstallation(
  command: (name: string, description: string, options?: { hidden?: boolean }) => Command,
  invocation: Invocation,
) {
  command('images', 'carry images to another machine instead of building there: save, load')
    .argument('<action>', 'save or load')
    .action((action: string) => {
      throw new UserError(`images ${terminalLine(action, 40)} is not a command`, {
        hint: `run ${calledAs()} images save FILE, or images load FILE --digest sha256:…`,
        exitCode: 2,
      })
    })
  command('images save', 'write the images of this checkout into a file, and print its digest', {
    hidden: true,
  })
    .argument('<file>')
    .action(async file => (await import('./commands/images.ts')).save(file, invocation))
  command('images load', 'load the images of such a file instead of building them', {
    hidden: true,
  })
    .argument('<file>')
    .requiredOption('--digest <sha256>', 'the digest that images save printed')
    .action(async (file, options) =>
      (await import('./commands/images.ts')).load(file, options, invocation),
    )
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
