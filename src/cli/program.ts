import { Command, CommanderError, Option } from 'commander'
import { printVersion } from './commands/version.ts'
import { showHelp } from './help-command.ts'
import type { Invocation } from './invocation.ts'
import { addRun } from './run-program.ts'
import { renderUsageError } from './usage-error.ts'

const examples = `
Examples:
  ./claude.ts demo --yes        see it work, without an account
  ./claude.ts start             Claude Code in this folder, without permission prompts
  ./claude.ts run "fix the failing test"
  ./claude.ts status --json     what runs here, for scripts

Settings are read from .env beside claude.ts; the allowlist is proxy/squid.conf.`

/** For options that may be given more than once. */
const collect = (value: string, before: readonly string[] = []) => [...before, value]

/** The command line. Each command's code is loaded when it runs: --help must not wait for it. */
export function createProgram(invocation: Invocation): Command {
  const program = new Command('claude.ts')
    .description(
      'Claude Code without permission prompts, in a stack with no way out but an allowlist.',
    )
    .usage('<command> [options]')
    .option('--verbose', 'show causes, stacks and every step')
    .helpOption('-h, --help', 'show help for a command')
    // Commander's own shows everything where a command is unknown.
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

  const command = (name: string, description: string) =>
    program
      .command(name)
      .configureOutput({ outputError: (text, write) => write(renderUsageError(text, name)) })
      .description(description)
      .addOption(new Option('--verbose', 'show causes, stacks and every step').hideHelp())

  command('start', 'bring up the stack for this folder and open Claude Code')
    .option('-d, --detach', 'bring it up without opening a session')
    .option('-c, --continue', 'go on with the last conversation; it does so anyway')
    .option('--no-continue', 'begin a new conversation')
    .addOption(
      new Option('-r, --resume <id>', 'go on with this conversation of this folder').conflicts([
        'continue',
        'detach',
      ]),
    )
    .option('--worker', 'bring up the container of runs too, which the first `run` does otherwise')
    .option('--copy', 'give the agent a copy of the folder; `apply` brings changes back')
    .option('--fresh-copy', 'take the copy anew, and drop what the agent changed in the old one')
    .option('--exclude <pattern>', 'leave out of the copy, as in .gitignore; repeatable', collect)
    .option('--include-ignored <pattern>', 'take along what .gitignore leaves out', collect)
    .action(async options =>
      invocation.setStatus(await (await import('./commands/start.ts')).start(options, invocation)),
    )
  command('stop', 'stop the stack of this folder; sessions and copies are kept')
    .argument('[id]', 'another stack: its id, name or folder')
    .option('-a, --all', 'stop the stacks of all folders')
    .action(async (id, options) =>
      (await import('./commands/stop.ts')).stop(id, options, invocation),
    )
  command('update', 'move to the newest Claude Code and bases, and rebuild')
    .option('--dry-run', 'show what is newer, change nothing')
    .action(async options => (await import('./commands/update.ts')).update(options, invocation))
  command('logs', 'show the log of the proxy, or of another service')
    .argument('[service]', 'proxy, gateway, claude, worker', 'proxy')
    .option('-f, --follow', 'go on as new lines come')
    .option('-n, --lines <count>', 'begin with the last lines', '100')
    .option('--json', 'the lines as the service wrote them')
    .action(async (service, options) =>
      (await import('./commands/logs.ts')).logs(service, options, invocation),
    )
  command('status', 'show services, credential custody, allowlist and versions')
    .option('--json', 'for scripts')
    .action(async options => (await import('./commands/status.ts')).status(options, invocation))
  command('shell', 'open bash in the claude container').action(async () =>
    invocation.setStatus(await (await import('./commands/shell.ts')).shell(invocation)),
  )

  const about = (name: string, description: string) => {
    const hidden = new Command(name)
      .copyInheritedSettings(program)
      .configureOutput({ outputError: (text, write) => write(renderUsageError(text, name)) })
      .description(description)
    program.addCommand(hidden, { hidden: true })
    return hidden.addOption(new Option('--verbose').hideHelp())
  }
  addRun(command, about, invocation)
  command('list', 'show the stacks of all folders, and who is at work in them')
    .alias('ls')
    .option('-a, --all', 'also those that are stopped and have conversations or copies left')
    .option('--json', 'for scripts')
    .action(async options => (await import('./commands/list.ts')).list(options, invocation))
  command('usage', 'show tokens and cost, by day, model and run, and what is left of the budget')
    .option('--days <number>', 'the last days, today included (UTC)', '7')
    .option('-a, --all', 'of the stacks of all folders')
    .option('--json', 'for scripts')
    .action(async options => (await import('./commands/usage.ts')).usage(options))
  command('attach', 'open the session of a stack that runs, from any folder')
    .argument('[id]', 'its id, name or folder, or the beginning of one')
    .action(async id =>
      invocation.setStatus(await (await import('./commands/attach.ts')).attach(id, invocation)),
    )

  command('clean', 'remove what stopped stacks left: conversations, copies, networks, state')
    .argument('[ids...]', 'only these: ids, names or folders')
    .option('-f, --force', 'do not ask, and also copies with changes that were not applied')
    .option('--dry-run', 'show what would be lost, remove nothing')
    .action(async (ids, options) =>
      (await import('./commands/clean.ts')).clean(ids, options, invocation),
    )
  command('clear-session', 'forget the conversations of this folder; login and settings stay')
    .option('--interactive', 'only those held in a terminal')
    .option('--runs', 'only those of runs')
    .option('-f, --force', 'do not ask')
    .action(async options =>
      (await import('./commands/clear-session.ts')).clearSession(options, invocation),
    )

  command('allow', 'let the agent reach names; it applies within a second')
    .argument('<names...>', 'host names, URLs, or @npm @debian @github @pypi @go @crates')
    .option('--for <time>', 'only for so long: 30m, 2h, 7d')
    .option('--services', 'for the server stack instead of the agent')
    .option('--subdomains', 'also every name below')
    .option('--force', 'also where strangers have places of their own')
    .option('--dry-run', 'show what would change, change nothing')
    .option('--json', 'for scripts')
    .action(async (names, options) =>
      (await import('./commands/allow.ts')).allow(names, options, invocation),
    )
  command('deny', 'take names off the list again')
    .argument('<names...>', 'as for allow')
    .option('--services', 'from the list of the server stack')
    .option('--subdomains', 'the entry for every name below')
    .option('--dry-run', 'show what would change, change nothing')
    .option('--json', 'for scripts')
    .action(async (names, options) =>
      (await import('./commands/deny.ts')).deny(names, options, invocation),
    )
  command('allowlist', 'show who may reach what, and until when')
    .option('--json', 'for scripts')
    .action(async options => (await import('./commands/allowlist.ts')).allowlist(options))
  command('log', 'show what the proxy let through and what it refused')
    .option('--denied', 'only what it refused')
    .option('-f, --follow', 'go on as new decisions come')
    .option('--since <time>', 'from 10m ago, or from 2026-11-21T18:00:00Z on')
    .option('--json', 'one object a line, for scripts')
    .action(async options => (await import('./commands/log.ts')).log(options, invocation))

  command('demo', 'show the whole stack at work with a scripted model; needs no account')
    .option('-y, --yes', 'do not ask before installing what is missing')
    .action(async options => (await import('./commands/demo.ts')).demo(options, invocation))
  command('setup', 'make this machine ready: engine, base image, all images')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'show what would be done, change nothing')
    .action(async options => (await import('./commands/setup.ts')).setup(options, invocation))
  command('build', 'build the images (also as ./build.ts)')
    .option('--no-cache', 'build every layer anew')
    .addOption(
      new Option('--target <name>', 'instead of IMAGE_TARGET').choices(['minimal', 'full']),
    )
    .option('--claude-version <version>', 'another Claude Code than the pinned one')
    .action(async options => (await import('./commands/build.ts')).build(options, invocation))
  command('audit', 'attack the running stack of this folder, and say what held')
    .option('--json', 'for scripts')
    .addOption(new Option('--sarif', 'for code scanning: SARIF 2.1.0').conflicts(['json', 'list']))
    .option('-p, --probe <id...>', 'only these, such as N5')
    .option('-l, --list', 'say what would be tried, try nothing')
    .action(async options =>
      invocation.setStatus(await (await import('./commands/audit.ts')).audit(options, invocation)),
    )
  command('doctor', 'check this machine and the running stack, and say what is wrong')
    .option('--fix', 'mend what can be mended without losing anything')
    .option('--dry-run', 'show what --fix would do, change nothing')
    .option('--json', 'for scripts')
    .action(async options =>
      invocation.setStatus(
        await (await import('./commands/doctor.ts')).doctor(options, invocation),
      ),
    )
  command('diff', 'show what the agent changed in its copy of this folder')
    .argument('[paths...]', 'only these files and folders; also where files are ignored')
    .option('--stat', 'names only')
    .option('--json', 'names only, for scripts')
    .action(async (paths, options) =>
      (await import('./commands/diff.ts')).diff(paths, options, invocation),
    )
  command('apply', 'bring the changes of the copy back into this folder')
    .argument('[paths...]', 'only these files and folders; also where files are ignored')
    .option('-i, --interactive', 'ask about each file')
    .addOption(
      new Option('--keep-mine', 'leave files as they are that changed here too').conflicts([
        'takeCopy',
        'interactive',
      ]),
    )
    .addOption(
      new Option('--take-copy', 'replace such files with those of the copy').conflicts([
        'interactive',
      ]),
    )
    .option('--include <name>', 'also what your host would run, such as .vscode', collect)
    .addOption(
      new Option('--undo', 'take back the last apply').conflicts([
        'interactive',
        'takeCopy',
        'include',
      ]),
    )
    .option('--dry-run', 'show what would change, change nothing')
    .action(async (paths, options) =>
      invocation.setStatus(
        await (await import('./commands/apply.ts')).apply(paths, options, invocation),
      ),
    )
  command('config', 'show the settings in force, and where each comes from')
    .option('--json', 'for scripts')
    .option('--path', 'only say where .env is')
    .option('--accept', 'allow what claude-secure.config.json and .mcp.json of this folder name')
    .action(async options => (await import('./commands/config.ts')).config(options, invocation))
  command('login', 'log in to Claude inside the container, with a browser')
    .option('--runs', 'for runs, which have a login of their own')
    .alias('auth')
    .action(async options =>
      invocation.setStatus(await (await import('./commands/login.ts')).login(options, invocation)),
    )
  command('setup-token', 'make a long-lived token and keep it in .env').action(async () =>
    invocation.setStatus(await (await import('./commands/setup-token.ts')).setupToken(invocation)),
  )
  command('help', 'show help for a command')
    .argument('[command...]')
    .action(words => showHelp(program, words))
  if (!invocation.completes) {
    command('completion', 'print the completion script of a shell').argument('<shell>')
  }
  return program
}
