import { realpath } from 'node:fs/promises'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { parseBranchName } from '../../git/branch-name.ts'
import {
  findRepository,
  type HostRepository,
  initRepository,
  openRepository,
  readHead,
} from '../../git/repository.ts'
import { checkSessionName, sessionRef, timestampName } from '../../git/session-names.ts'
import { readSession, type Session, sessionStack } from '../../git/session-record.ts'
import { removeTips, sessionsOf } from '../../git/tips.ts'
import { serviceOfSessions } from '../../stack/services.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { readConfig } from '../additions/workspace-config.ts'
import { type Caller, type Context, openContext } from '../context.ts'
import { runningAgent } from '../find-stacks.ts'
import type { StackAgent } from '../remembered-stack/memory.ts'
import { bringUp } from '../start/start-effects.ts'
import { workspaceHere } from '../workspace-here.ts'
import { beginSession } from './begin-session.ts'
import { findSessions, isRunning } from './find-sessions.ts'
import { inheritFromFolder } from './inherit.ts'
import type { SessionOptions } from './session-options.ts'
import { findStart, type StartPoint } from './start-point.ts'

export type StartedSession = {
  context: Context
  session: Session
  agent: StackAgent
  /** False when it was there before. */
  isNew: boolean
}

/**
 * Starts a session in the current folder: a stack on a copy of its repository, on a branch of its own. Continues
 * the one that is named or that the person chooses.
 */
export async function startSession(caller: Caller, given: SessionOptions): Promise<StartedSession> {
  const folder = await realpath(process.cwd())
  const context = await openContext(caller, folder)
  const { repository, isFresh } = await repositoryHere(context, folder)
  const options = { ...(await optionsOfFolder(folder)), ...given }
  const reconnect = given.skipReconnectCheck ?? options.skipReconnectCheck ?? false
  const known = await chooseExisting(context, folder, { ...given, skipReconnectCheck: reconnect })
  if (known && given.from !== undefined) {
    throw new UserError(`session ${known.session.session} exists already`, {
      hint: 'choose another name with --name',
    })
  }
  if (known) return bringUpSession(context, repository, known.session.session, options, null)
  const now = new Date()
  const name = await freeName(repository, folder, options.name, now)
  const branch = parseBranchName(options.branch ?? `claude/${timestampName(now)}`)
  const start = await findStart(context, repository, name, options)
  const includeUntracked = options.includeUntracked || isFresh
  return bringUpSession(context, repository, name, { ...options, branch, includeUntracked }, start)
}

/** Returns what the configuration of the folder says about sessions; it needs no approval for that. */
async function optionsOfFolder(path: string): Promise<SessionOptions> {
  const found = await readConfig({ path })
  if (!found) return {}
  const { includeUntracked, targetBranch, skipReconnectCheck } = found.config
  return {
    ...{ includeUntracked, skipReconnectCheck },
    ...(targetBranch !== undefined && { branch: targetBranch }),
  }
}

async function repositoryHere({ confirm, canAsk }: Context, folder: string) {
  const found = await findRepository(folder)
  if (found) return { repository: found, isFresh: (await readHead(found)).commit === null }
  const question = `${terminalLine(folder)} is not a git repository. Make it one?`
  if (!canAsk || !(await confirm(question))) {
    throw new UserError(`${terminalLine(folder)} is not a git repository`, {
      hint: `run git init there, or run ${command('start')} to work without branches`,
    })
  }
  await initRepository(folder)
  return { repository: await openRepository(folder), isFresh: true }
}

/** Returns the session to continue: the named one, or one that runs here and that the person wants. */
async function chooseExisting(context: Context, folder: string, options: SessionOptions) {
  const { name, skipReconnectCheck, branch, remoteBranch, pullRequest, from } = options
  const sessions = await findSessions(context)
  if (name !== undefined) {
    checkSessionName(name)
    return sessions.find(({ session }) => session.session === name) ?? null
  }
  const running = sessions.filter(isRunning)
  const [newest] = running
  const other = branch ?? remoteBranch ?? pullRequest ?? from
  if (!newest || skipReconnectCheck || other !== undefined) return null
  const names = running.map(({ session }) => session.session).join(', ')
  if (!context.canAsk) {
    context.log({ kind: 'info', text: `other sessions run in ${terminalLine(folder)}: ${names}` })
    return null
  }
  const what = `Continue session ${newest.session.session}, which runs here?`
  return (await context.confirm(what, '--skip-reconnect-check')) ? newest : null
}

async function freeName(
  repository: HostRepository,
  folder: string,
  wanted: string | undefined,
  now: Date,
) {
  const taken = await sessionsOf(repository)
  const first = checkSessionName(wanted ?? timestampName(now))
  for (let count = 1; count <= 100; count++) {
    const name = count === 1 ? first : `${first}-${count}`
    const known = await readSession(sessionStack(folder, name).name)
    if (!known && !taken.has(name)) return name
    if (wanted !== undefined) break
  }
  throw new UserError(`the repository has commits of a session ${first} already`, {
    hint: `choose another name with --name; git log ${sessionRef(first, 'branch')} shows them`,
  })
}

async function bringUpSession(
  context: Context,
  repository: HostRepository,
  name: string,
  options: SessionOptions,
  start: StartPoint | null,
): Promise<StartedSession> {
  const { folder } = repository
  const identity = sessionStack(folder, name)
  const state = stateFolder(identity.name)
  const before = await readSession(identity.name)
  if (!before) await inheritFromFolder(folder, state)
  const opened = await workspaceHere(context, { copy: true, folder, identity })
  let session = before
  const started = await bringUp(context, opened, {
    agents: [serviceOfSessions],
    trackedOnly: !options.includeUntracked,
    async prepareCopy(container) {
      // A copy whose session was not recorded is one that an interrupted start left.
      session ??= await beginSession(context, repository, { container, name, options, start })
    },
  }).catch(async error => {
    // Otherwise the name would be taken by a session that never began.
    if (!session) await removeTips(repository, name).catch(() => {})
    throw error
  })
  if (!session) throw new Error('a session without a copy')
  const agent = {
    ...runningAgent(context, started.state, serviceOfSessions),
    stack: identity.name,
    workspace: folder,
  }
  return { context, session, agent, isNew: before === null }
}
