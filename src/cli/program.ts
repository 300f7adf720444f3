import { Command, CommanderError, Option } from 'commander'
import { agentServices, serviceOfCredential, serviceOfEgress } from '../stack/services.ts'
import { addCopy } from './copy-program.ts'
import { examples, groupCommands, printVersion, renderUsageError, showHelp } from './help.ts'
import { addInstallation } from './installation-program.ts'
import type { Invocation } from './invocation.ts'
import { addMcp } from './mcp-program.ts'
import { addForward, addPolicy } from './network-program.ts'
import { repeatable } from './repeatable.ts'
import { addRun } from './run-program.ts'
import { addSchedule } from './schedule-program.ts'
import { addServe } from './serve-program.ts'
import { addSessions } from './session-program.ts'

/** Creates the command-line parser. Each command's code is loaded when it runs, to keep --help fast. */
export function createProgram(invocation: Invocation): Command {
  const program = new Command('claude.ts')
    .description('Run Claude Code without permission prompts, isolated behind an egress allowlist.')
    .usage('<command> [options]')
    .option('--verbose', 'show causes, stacks and every step')
    .helpOption('-h, --help', 'show help for a command')
    // Commander's help command shows all commands for an unknown one.
    .helpCommand(false)
    .addHelpText('after', examples)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(renderUsageError(text)),
    })
  program
    .option('-V, --version', 'show the versions of claude-secure and Claude Code')
    .on('option:version', () => {
      printVersion()
      throw new CommanderError(0, 'commander.version', '')
    })

  const command = (name: string, description: string, { hidden = false } = {}) => {
    // Not program.command(), which would read `run list` as a command with an argument.
    const added = new Command(name)
      .copyInheritedSettings(program)
      .configureOutput({ outputError: (text, write) => write(renderUsageError(text, name)) })
      .description(description)
      .addOption(new Option('--verbose', 'show causes, stacks and every step').hideHelp())
    // The help of `run` lists its own commands; suggestions need them all, except the internal one.
    const isSuggested = invocation.completes && name !== 'run supervise'
    program.addCommand(added, { hidden: hidden && !isSuggested })
    return added
  }
  /** Makes the status of a command the exit status. */
  const exits = async (status: Promise<number>) => invocation.setStatus(await status)

  command('start', 'start the stack of this folder and open Claude Code')
    .option('-d, --detach', 'start the stack without opening a session')
    .option('-c, --continue', 'continue the last conversation (the default)')
    .option('--no-continue', 'start a new conversation')
    .addOption(
      new Option('-r, --resume <id>', 'resume this conversation of this folder').conflicts([
        'continue',
        'detach',
      ]),
    )
    .addOption(
      new Option('--web', 'open the session in a browser, in place of this terminal').conflicts([
        'detach',
        'resume',
      ]),
    )
    .option('--worker', 'also start the container of runs; otherwise the first `run` does')
    .option('--copy', 'give the agent a copy of the folder; `apply` writes changes back')
    .option('--fresh-copy', 'replace the copy; asks before it discards unapplied work')
    .addOption(
      new Option(
        '--mount',
        'leave copy mode; asks before it discards unapplied work, keeps conversations',
      ).conflicts(['copy', 'freshCopy', 'exclude', 'includeIgnored']),
    )
    .option('-f, --force', 'do not ask before unapplied work is discarded')
    .option(
      '--exclude <pattern>',
      'leave out of the copy, as in .gitignore (repeatable)',
      repeatable,
    )
    .option(
      '--include-ignored <pattern>',
      'copy files that .gitignore excludes (repeatable)',
      repeatable,
    )
    .action(async options =>
      exits((await import('./commands/start.ts')).start(options, invocation)),
    )
  command('stop', 'stop the stack of this folder; keep conversations and copies')
    .argument('[id]', 'id, name or folder of another stack')
    .option('-a, --all', 'stop the stacks of all folders')
    .option('-f, --force', 'do not ask when runs are active')
    .action(async (id, options) =>
      (await import('./commands/stop.ts')).stop(id, options, invocation),
    )
  command('update', 'update Claude Code and the base images, and rebuild')
    .option('--dry-run', 'show newer versions without installing them')
    .action(async options => (await import('./commands/images.ts')).update(options, invocation))
  command('logs', 'show the log of a service')
    .argument(
      '[service]',
      [serviceOfEgress, serviceOfCredential, ...agentServices].join(', '),
      serviceOfEgress,
    )
    .option('-f, --follow', 'follow the log')
    .option('-n, --lines <count>', 'number of lines to show from the end', '100')
    .option('--json', 'print the lines as the service wrote them')
    .action(async (service, options) =>
      (await import('./commands/logs.ts')).logs(service, options, invocation),
    )
  command('status', 'show services, credentials, allowlist and versions')
    .option('--json', 'print JSON')
    .action(async options => (await import('./commands/status.ts')).status(options, invocation))
  command('shell', 'open a shell in the claude container').action(async () =>
    exits((await import('./commands/inside.ts')).shell(invocation)),
  )

  addForward(command, invocation)
  command('web', 'open your stacks in a browser: sessions, commits, egress log, runs, usage')
    .option('-p, --port <number>', 'listen on this port of 127.0.0.1 (default: 3456, or the next)')
    .option('-o, --open', 'open the browser')
    .addOption(new Option('--web').hideHelp())
    .action(async options => (await import('./commands/web.ts')).web(options, invocation))

  addRun(command, invocation)
  addServe(command, invocation)
  addSchedule(command, invocation)
  command('list', 'list the stacks of all folders, with open sessions and runs')
    .alias('ls')
    .option('-a, --all', 'also show stopped stacks that have conversations or copies')
    .option('--json', 'print JSON')
    .action(async options => (await import('./commands/list.ts')).list(options, invocation))
  command('attach', 'open the session of a running stack, from any folder')
    .argument('[id]', 'id, name or folder of the stack, or a prefix of one')
    .action(async id => exits((await import('./commands/inside.ts')).attach(id, invocation)))

  command('clean', 'remove conversations, copies, networks and state of stopped stacks')
    .argument('[ids...]', 'ids, names or folders of stacks')
    .option('-f, --force', 'do not ask, and also remove copies with unapplied changes')
    .option('--dry-run', 'show what would be removed')
    .action(async (ids, options) =>
      (await import('./commands/clean.ts')).clean(ids, options, invocation),
    )
  command('purge', 'stop all stacks and remove all that they left: conversations, copies, state')
    .option('-y, --yes', 'do not ask')
    .option('-f, --force', 'also remove copies with unapplied changes')
    .option('--dry-run', 'show what would be removed')
    .action(async options => (await import('./commands/clean.ts')).purge(options, invocation))

  addPolicy(command, invocation)
  addCopy(command, invocation)
  addSessions(command, invocation)

  command('clear-session', 'delete the conversations of this folder; keep login and settings')
    .option('--interactive', 'only conversations of sessions')
    .option('--runs', 'only conversations of runs')
    .option('-f, --force', 'do not ask')
    .action(async options =>
      (await import('./commands/clean.ts')).clearSession(options, invocation),
    )
  command('config', 'show the settings and where each comes from; set those of this folder')
    .argument('[assignments...]', 'with --here: settings as NAME=VALUE')
    .option('--here', 'set them for this folder only')
    .option(
      '--unset <name>',
      'with --here: remove this setting, and those named after it',
      repeatable,
    )
    .option('--json', 'print JSON')
    .option(
      '-p, --path [file]',
      'print the path of .env, or with --here of the settings of this folder; or check this configuration file',
    )
    .option('--accept', 'approve files of this folder, and services of your custom folder')
    .action(async (assignments, options) =>
      (await import('./commands/config.ts')).config(assignments, options, invocation),
    )
  addMcp(command, invocation)
  command('usage', 'show tokens and cost by day, model and run, and the remaining budget')
    .option('--days <number>', 'number of days, including today (UTC)', '7')
    .option('-a, --all', 'show the stacks of all folders')
    .option('--tenant <name>', 'show a tenant of the server')
    .option('--json', 'print JSON')
    .action(async options => (await import('./commands/usage.ts')).usage(options))

  command('login', 'log in to Claude inside the container, with a browser')
    .option('--runs', 'log in for runs, which have a separate login')
    .alias('auth')
    .action(async options =>
      exits((await import('./commands/login.ts')).login(options, invocation)),
    )
  command('setup-token', 'create a long-lived token and save it in .env').action(async () =>
    exits((await import('./commands/login.ts')).setupToken(invocation)),
  )

  command('demo', 'try the whole stack with a scripted model; needs no account')
    .option('-y, --yes', 'install missing packages without asking')
    .action(async options => (await import('./commands/demo.ts')).demo(options, invocation))
  command('setup', 'prepare this machine: engine, base image, all images')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'show what would be done')
    .action(async options => (await import('./commands/images.ts')).setup(options, invocation))
  command('build', 'build the images (also as ./build.ts)')
    .option('--no-cache', 'rebuild every layer')
    .addOption(
      new Option('--target <name>', 'image target (default: IMAGE_TARGET of .env)').choices([
        'minimal',
        'full',
      ]),
    )
    .option('--claude-version <version>', 'pin and build this version of Claude Code')
    .action(async options => (await import('./commands/images.ts')).build(options, invocation))
  command('audit', 'attack the running stack of this folder, and report each control')
    .option('--json', 'print JSON')
    .addOption(
      new Option('--sarif', 'print SARIF 2.1.0, for code scanning').conflicts(['json', 'list']),
    )
    .option('-p, --probe <id...>', 'run only these probes, such as N5')
    .option('-l, --list', 'list the probes without running them')
    .action(async options =>
      exits((await import('./commands/audit.ts')).audit(options, invocation)),
    )
  command('doctor', 'check this machine and the running stack for problems')
    .option('--fix', 'fix problems that can be fixed without losing data')
    .option('--dry-run', 'show what --fix would do')
    .option('--json', 'print JSON')
    .action(async options =>
      exits((await import('./commands/doctor.ts')).doctor(options, invocation)),
    )
  addInstallation(command, invocation)
  command('help', 'show help for a command')
    .argument('[command...]')
    .action(words => showHelp(program, words))
  if (!invocation.completes) {
    command('completion', 'print the completion script of a shell').argument('<shell>')
  }
  groupCommands(program)
  return program
}
