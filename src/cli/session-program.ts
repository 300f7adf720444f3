import { type Command, Option } from 'commander'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { calledAs } from './called-as.ts'
import type { Invocation } from './invocation.ts'

const examples = `
Examples:
  ${calledAs()} session start                 # a copy of this repository, on a branch of its own
  ${calledAs()} session start -n login        # a second one beside it, with a name
  ${calledAs()} session list
  ${calledAs()} session undo login            # take back what Claude did since the last prompt
  ${calledAs()} review                        # look at its commits, push, open a pull request

The branch that you are on, and all others, stay as they are: docs/sessions.md.`

const actions = 'start, fork, list, attach, watch, undo, redo, stop, logs or clean'

const load = () => import('./commands/sessions.ts')
const loadUndo = () => import('./commands/undo.ts')

/** Adds `session` and its commands, each as a single word for commander: see command-line.ts. */
export function addSessions(
  command: (name: string, description: string, options?: { hidden?: boolean }) => Command,
  invocation: Invocation,
) {
  const exits = async (status: Promise<number>) => invocation.setStatus(await status)
  const about = (name: string, description: string) => command(name, description, { hidden: true })

  command('session', `work on a branch of its own, in a copy: ${actions.replace(' or', ',')}`)
    .argument('<action>', actions)
    .addHelpText('after', examples)
    .action((action: string) => {
      throw new UserError(`session ${terminalLine(action, 40)} is not a command`, {
        hint: `run ${calledAs()} session ${actions}`,
        exitCode: 2,
      })
    })
  about('session start', 'start a session on a new branch, in a copy of this repository')
    .option('-n, --name <name>', 'name of the session, or of one to continue')
    .option('-b, --branch <branch>', 'name of its branch (default: claude/ and the time)')
    .option('--remote-branch <branch>', 'begin with this branch of the remote')
    .option('--pr <number>', 'begin with this pull request of the remote')
    .option('--from <session>', 'begin with a commit of another session, as session fork does')
    .option('--include-untracked', 'also copy files that git does not know')
    .option('--skip-reconnect-check', 'start a new one although another runs here')
    .option('--no-push', 'do not offer to push in review')
    .option('--no-pr', 'do not offer a pull request in review')
    .addOption(new Option('--no-create-pr', 'same as --no-pr'))
    .option('--shell', 'open a shell in place of Claude Code')
    .option('-d, --detach', 'start it without opening it')
    .addOption(
      new Option('--web', 'open it in a browser, in place of this terminal').conflicts([
        'detach',
        'shell',
      ]),
    )
    // claude-code-runner's, where the page is the default.
    .addOption(new Option('--no-web').hideHelp())
    .action(async options => exits((await load()).startSessionCommand(options, invocation)))
  about('session fork', 'start a session with a commit of another one')
    .argument(
      '<session>',
      'SESSION, SESSION:COMMIT, or SESSION@STATE as session undo --list has it',
    )
    .option('-n, --name <name>', 'name of the new session')
    .option('-b, --branch <branch>', 'name of its branch (default: claude/ and the time)')
    .option('--shell', 'open a shell in place of Claude Code')
    .option('-d, --detach', 'start it without opening it')
    .addOption(
      new Option('--web', 'open it in a browser, in place of this terminal').conflicts([
        'detach',
        'shell',
      ]),
    )
    .action(async (from, options) =>
      exits((await load()).startSessionCommand({ ...options, from }, invocation)),
    )
  about('session list', 'list the sessions of this folder, with their commits')
    .alias('session ls')
    .option('-a, --all', 'list the sessions of all folders')
    .option('--json', 'print JSON')
    .action(async options => (await load()).listSessionsCommand(options, invocation))
  about('session attach', 'open a session that runs, and watch its commits')
    .argument('[session]', 'name or id of the session')
    .option('--shell', 'open a shell in place of Claude Code')
    .action(async (name, options) => exits((await load()).attachSession(name, options, invocation)))
  about('session watch', 'print the commits of a session as they are made')
    .argument('[session]', 'name or id of the session')
    .action(async name => (await load()).watchCommand(name, invocation))
  about('session undo', 'put the copy of a session back to the beginning of its last turn')
    .argument('[session]', 'name or id of the session')
    .addOption(
      new Option('--turns <number>', 'number of turns to take back (default: 1)').conflicts('to'),
    )
    .option('--to <state>', 'go back to this state of --list')
    .option('-l, --list', 'list the states that the copy keeps, the newest last')
    .option('-y, --yes', 'do not ask')
    .option('-f, --force', 'also while Claude has not finished its turn')
    .option('--json', 'print JSON')
    .action(async (name, options) => (await loadUndo()).undoCommand(name, options, invocation))
  about('session redo', 'take the last undo of a session back')
    .argument('[session]', 'name or id of the session')
    .option('-y, --yes', 'do not ask')
    .option('-f, --force', 'also while Claude has not finished its turn')
    .option('--json', 'print JSON')
    .action(async (name, options) => (await loadUndo()).redoCommand(name, options, invocation))
  about('session stop', 'take its commits and stop it; keep its copy and conversation')
    .argument('[session]', 'name or id of the session')
    .option('--all', 'stop all sessions of this folder')
    .option('-f, --force', 'end active runs without asking')
    .action(async (name, options) => (await load()).stopSession(name, options, invocation))
  about('session logs', 'show the log of a service of a session')
    .argument('[session]', 'name or id of the session')
    .option('--service <name>', 'claude, gateway or proxy', 'proxy')
    .option('-f, --follow', 'follow the log')
    .option('-n, --lines <count>', 'number of lines to show from the end', '50')
    .option('--json', 'print the lines as the service wrote them')
    .action(async (name, options) => (await load()).sessionLogs(name, options, invocation))
  about('session clean', 'remove stopped sessions whose commits are on a branch or a remote')
    .argument('[sessions...]', 'names or ids of sessions')
    .option('-f, --force', 'also those with commits that are nowhere else, without asking')
    .action(async (names, options) => (await load()).cleanSessions(names, options, invocation))

  command(
    'review',
    'show the commits of a session with their findings, and push, comment or discard',
  )
    .argument('[session]', 'name or id of the session')
    .option('--stat', 'show no diffs')
    .option('--json', 'print JSON')
    .action(async (name, options) =>
      (await import('./commands/review.ts')).review(name, options, invocation),
    )
  const push = (name: string, description: string) =>
    command(name, description)
      .argument('[session]', 'name or id of the session')
      .option('--remote <name>', 'remote of the repository (default: origin)')
      .option('--branch <branch>', "branch of the remote (default: the session's)")
      .option('--force', 'replace commits of that branch that the session does not have')
      .option('--sign', 'sign its commits with the key of your git (user.signingKey)')
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print JSON')
  push('push', 'push the branch of a session from this host').action(async (name, options) =>
    (await import('./commands/publish.ts')).pushCommand(name, options, invocation),
  )
  push('pr', 'push the branch of a session, and open a pull request')
    .option('--title <title>', 'title (default: of its commits, in your editor)')
    .option('--body <text>', 'text below the title')
    .option('--base <branch>', 'branch to merge into (default: the one that was checked out)')
    .option('--into <remote>', 'remote to open it at (default: the one that was forked)')
    .option('--draft', 'open it as a draft')
    .action(async (name, options) =>
      (await import('./commands/publish.ts')).pullRequestCommand(name, options, invocation),
    )
}
