import { readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import addCommands from '@bomb.sh/tab/commander'
import type { Command } from 'commander'
import { checkoutRoot, stateRoot } from '../config/paths.ts'
import { settingNames } from '../config/setting-names.ts'
import { presets } from '../egress/presets/presets.ts'
import { listSessions } from '../git/session-record.ts'
import { readPolicyLists } from '../operations/policy/policy-files.ts'
import { runsHere } from '../operations/runs.ts'
import { modelAliases } from '../run/claude-names.ts'
import { efforts } from '../run/request.ts'
import { isStackName } from '../stack/identity.ts'
import { agentServices, serviceOfCredential, serviceOfEgress } from '../stack/services.ts'
import { calledName, shellWord } from './called-as.ts'
import { renderCompletionScript } from './completion-script.ts'
import { renderUsageError } from './help.ts'

const commandName = 'completion'

/** Maximum stored runs that are suggested, the newest. */
const mostRuns = 50

/** Commands whose first argument is a session of the current folder. */
const sessionCommands = [
  ...['attach', 'watch', 'stop', 'logs', 'clean'].map(action => `session ${action}`),
  ...['review', 'push', 'pr'],
]

/** Adds `completion SHELL`, and the hidden `complete` that its script calls for suggestions. */
export async function addCompletion(program: Command) {
  const { ids, sessions } = await knownRuns()
  const stacks = knownStacks()
  const gitSessions = await knownSessions()
  // Only for suggestions: this program parses no command.
  for (const [name, values] of [
    ...['attach', 'stop', 'clean'].map(name => [name, stacks] as const),
    // Presets only. The agent chose the blocked names, so a Tab must not allow one of them.
    ['allow', Object.keys(presets).map(preset => `@${preset}`)],
    ['deny', listedNames()],
    ['logs', [serviceOfEgress, serviceOfCredential, ...agentServices]],
    ...['run result', 'run cancel', 'run logs', 'answer'].map(name => [name, ids] as const),
    ...sessionCommands.map(name => [name, gitSessions] as const),
    ['serve token', ['add', 'list', 'revoke']],
  ] as const) {
    commandOf(program, name)?.registeredArguments[0]?.choices(values)
  }
  for (const [name, option, values] of [
    ['run', '--model', modelAliases],
    ['run', '--effort', efforts],
    ['run', '--resume', sessions],
    ['config', '--unset', settingNames],
    ['session start', '--name', gitSessions],
    ['session start', '--from', gitSessions],
  ] as const) {
    commandOf(program, name)
      ?.options.find(({ long }) => long === option)
      ?.choices(values)
  }
  addCommands(program, { completionCommandName: commandName })
  const script = shellWord(join(checkoutRoot(), 'claude.ts')) ?? program.name()
  commandOf(program, commandName)
    ?.description('print the completion script of a shell')
    .configureOutput({ outputError: (text, write) => write(renderUsageError(text, commandName)) })
    .action((shell: string) => {
      console.log(renderCompletionScript(shell, calledName(), script))
    })
}

function commandOf(program: Command, name: string) {
  return program.commands.find(command => command.name() === name)
}

/** Returns the ids and sessions of the stored runs of the current folder; none when they are unreadable. */
async function knownRuns(): Promise<{ ids: string[]; sessions: string[] }> {
  try {
    const { runs } = await (await runsHere()).list({ limit: mostRuns })
    const sessions = runs.flatMap(({ sessionId }) => sessionId ?? [])
    return { ids: runs.map(({ runId }) => runId), sessions: [...new Set(sessions)] }
  } catch {
    return { ids: [], sessions: [] }
  }
}

/** Returns the names of the git sessions of a folder; none when they are unreadable. */
export async function knownSessions(folder = process.cwd(), root = stateRoot()): Promise<string[]> {
  try {
    const sessions = await listSessions({ folder: realpathSync(folder), root })
    return sessions.map(({ session }) => session)
  } catch {
    return []
  }
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
