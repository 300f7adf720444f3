import { createColors } from 'picocolors'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { openSessionView } from '../../git/session-view.ts'
import { openContext, openEngine } from '../../operations/context.ts'
import { runningAgent } from '../../operations/find-stacks.ts'
import { cleanSessions as clean } from '../../operations/sessions/clean-sessions.ts'
import {
  collectFrom,
  findSession,
  findSessions,
  isRunning,
} from '../../operations/sessions/find-sessions.ts'
import { startSession } from '../../operations/sessions/start-session.ts'
import { stopStacks } from '../../operations/stop.ts'
import { type StackState, serviceOf } from '../../stack/inspect.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderColumns } from '../render/columns.ts'
import { execInTerminal, openSession, reportAfter, sayHowToLeave } from '../session.ts'
import { hasColours, isInteractive, requireCapableTerminal, widthOf } from '../terminal.ts'
import { watchInTerminal } from '../watch-commits.ts'
import { renderAge } from './list.ts'
import { type LogsOptions, showLog } from './logs.ts'

type StartOptions = {
  name?: string
  branch?: string
  remoteBranch?: string
  /** Number of a pull request; false after `--no-pr`. */
  pr?: string | boolean
  from?: string
  includeUntracked?: boolean
  skipReconnectCheck?: boolean
  push?: boolean
  createPr?: boolean
  shell?: boolean
  detach?: boolean
  web?: boolean
}

/** Starts a session, or continues one, and opens it; returns Claude Code's exit status. */
export async function startSessionCommand(
  options: StartOptions,
  invocation: Invocation,
): Promise<number> {
  const { pr, push, createPr, shell, detach, web = false, ...rest } = options
  const opens = !detach && !web && isInteractive()
  if (opens && !shell) requireCapableTerminal(userEnvironment().TERM)
  const { context, session, agent, isNew } = await startSession(invocation, {
    ...rest,
    ...(typeof pr === 'string' && { pullRequest: parseNumber(pr) }),
    mayPush: push !== false,
    mayOpenPullRequest: pr !== false && createPr !== false,
  })
  const { session: name, branch, folder } = session
  const text = isNew
    ? `session ${name} works on branch ${terminalLine(branch)} in a copy of ${terminalLine(folder)}: ${calledAs()} review ${name} shows its commits`
    : `session ${name} continues on branch ${terminalLine(branch)}`
  context.log({ kind: 'info', text })
  if (web) await (await import('./web.ts')).web({ open: true }, invocation)
  if (!opens) return 0
  const watch = watchInTerminal(session, agent)
  try {
    if (shell) {
      return await reportAfter({ ...agent, verbose: invocation.verbose }, () =>
        execInTerminal(agent, ['claude-secure-foreground', 'bash']),
      )
    }
    sayHowToLeave()
    return await reportAfter({ ...agent, verbose: invocation.verbose }, () =>
      openSession(agent, { fresh: false }),
    )
  } finally {
    await watch.stop()
  }
}

function parseNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UserError(`--pr ${terminalLine(text, 40)} is not the number of a pull request`, {
    hint: 'give a number, for example: --pr 12',
    exitCode: 2,
  })
}

/** Opens a session that runs. */
export async function attachSession(
  name: string | undefined,
  { shell = false }: { shell?: boolean },
  invocation: Invocation,
): Promise<number> {
  const context = await openEngine(invocation)
  const { session, state } = await findSession(context, name)
  if (!isInteractive()) {
    throw new UserError('session attach opens a session and needs a terminal', {
      hint: `run ${calledAs()} review ${session.session} to see its commits`,
    })
  }
  if (!shell) requireCapableTerminal(userEnvironment().TERM)
  const agent = {
    ...runningAgent(context, runningState(session.session, state)),
    stack: session.stack,
    workspace: session.folder,
  }
  const watch = watchInTerminal(session, agent)
  try {
    if (!shell) sayHowToLeave()
    return await reportAfter({ ...agent, verbose: invocation.verbose }, () =>
      shell
        ? execInTerminal(agent, ['claude-secure-foreground', 'bash'])
        : openSession(agent, { fresh: false }),
    )
  } finally {
    await watch.stop()
  }
}

function runningState(name: string, state: StackState | null): StackState {
  if (state && isRunning({ state })) return state
  throw new UserError(`session ${name} is not running`, {
    hint: `run ${calledAs()} session start --name ${name} to continue it`,
  })
}

/** Milliseconds in which a container must have sent its commits to be counted in the list. */
const patience = 10_000

/** Prints the sessions of this folder. Fetches what running ones have first. */
export async function listSessionsCommand(
  { all = false, json = false }: { all?: boolean; json?: boolean },
  invocation: Invocation,
) {
  const context = await openEngine(invocation)
  const found = await findSessions(context, { all })
  const sessions = await Promise.all(
    found.map(async one => {
      // A container that does not answer must not hide the others.
      const signal = AbortSignal.any([invocation.signal, AbortSignal.timeout(patience)])
      await collectFrom({ ...context, signal }, one).catch(() => false)
      const view = await openSessionView(one.session, invocation.signal).catch(() => null)
      const { session, id, stack, folder, branch, started } = one.session
      const state = isRunning(one) ? 'running' : 'stopped'
      const last = view?.commits[0]
      return {
        ...{ session, id, stack, folder, branch, started, state },
        commits: view?.commits.length ?? null,
        last: last ? { id: last.id, subject: last.subject } : null,
      }
    }),
  )
  if (json) return console.log(terminalJson({ version: 1, sessions }))
  if (sessions.length === 0) {
    const text = all ? 'there are no sessions' : 'this folder has no session'
    return invocation.log({ kind: 'info', text })
  }
  const { dim, green } = createColors(hasColours(process.stdout))
  const rows = sessions.map(({ session, state, branch, commits, started, folder, last }) => [
    { text: session },
    { text: state, ...(state === 'running' && { paint: green }) },
    { text: terminalLine(branch, 60) },
    { text: commits === null ? '-' : String(commits) },
    { text: renderAge(Date.now() - Date.parse(started)) },
    { text: terminalLine(all ? folder : (last?.subject ?? '-'), 100) },
  ])
  const heads = ['SESSION', 'STATE', 'BRANCH', 'COMMITS', 'AGE', all ? 'FOLDER' : 'LAST COMMIT']
  console.log(renderColumns(heads, rows, dim, widthOf(process.stdout)))
}

/** Prints each commit as it arrives, until Ctrl-C. */
export async function watchCommand(name: string | undefined, invocation: Invocation) {
  const context = await openEngine(invocation)
  const { session, state } = await findSession(context, name)
  const agent = runningAgent(context, runningState(session.session, state))
  const watch = watchInTerminal(session, agent, { prints: true })
  invocation.log({ kind: 'info', text: `watching session ${session.session}; Ctrl-C ends it` })
  const stop = () => void watch.stop()
  invocation.signal.addEventListener('abort', stop, { once: true })
  await watch.ended
  invocation.signal.removeEventListener('abort', stop)
}

/** Stops a session after its commits were taken. */
export async function stopSession(
  name: string | undefined,
  { all = false, force = false }: { all?: boolean; force?: boolean },
  invocation: Invocation,
) {
  if (name !== undefined && all) {
    throw new UserError('session stop takes the name of a session or --all, not both', {
      hint: `run ${calledAs()} session stop --help for its arguments`,
      exitCode: 2,
    })
  }
  const context = await openContext(invocation)
  const found = all
    ? (await findSessions(context)).filter(({ state }) => state !== null)
    : [await findSession(context, name)]
  if (found.length === 0) return context.log({ kind: 'info', text: 'no session is running here' })
  for (const one of found) {
    const { session, stack } = one.session
    // A refused delivery stays in the copy, which a stop keeps.
    await collectFrom(context, one).catch(error => {
      context.log({ kind: 'warn', text: `session ${session}: ${terminalLine(String(error), 400)}` })
    })
    const done = await stopStacks(context, { name: stack, force })
    if (done) context.log({ kind: 'info', text: `stopped session ${session}` })
  }
}

export async function sessionLogs(
  name: string | undefined,
  { service, ...options }: LogsOptions & { service: string },
  invocation: Invocation,
) {
  const { engine, signal } = await openEngine(invocation)
  const { session, state } = await findSession({ engine }, name)
  const found = state && serviceOf(state, service)
  if (!found) {
    const names = state?.services.map(({ name }) => name).join(', ')
    throw new UserError(`session ${session.session} has no service ${terminalLine(service, 60)}`, {
      hint: names ? `it has ${names}` : `run ${calledAs()} session start --name ${session.session}`,
    })
  }
  await showLog({ engine, signal }, found, options)
}

export async function cleanSessions(
  names: readonly string[],
  options: { force?: boolean },
  invocation: Invocation,
) {
  const context = await openContext(invocation)
  const { removed } = await clean(context, names, options)
  if (removed.length > 0) context.log({ kind: 'info', text: `removed ${removed.join(', ')}` })
}
