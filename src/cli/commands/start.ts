import { userEnvironment } from '../../config/environment.ts'
import { refusedPolicy } from '../../egress/proxy-log.ts'
import type { Context } from '../../operations/context.ts'
import {
  checkResume,
  refuseOpenSession,
  refuseUnknown,
} from '../../operations/conversations/conversations.ts'
import type { CopyOptions } from '../../operations/start/copy-in.ts'
import { startHere } from '../../operations/start/start-here.ts'
import { type StackState, serviceOf } from '../../stack/inspect.ts'
import { serviceOfEgress, serviceOfSessions } from '../../stack/services.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { openSession, reportAfter, sayHowToLeave } from '../session.ts'
import { isInteractive, requireCapableTerminal } from '../terminal.ts'

export type StartOptions = CopyOptions & {
  detach?: boolean
  /** False begins a new conversation in place of the last one. */
  continue?: boolean
  /** Id of the conversation to resume. */
  resume?: string
  /** Also start the worker, the container of runs. */
  worker?: boolean
  copy?: boolean
  /** Serves the page in place of opening the session in this terminal. */
  web?: boolean
}

/** Starts the stack of the current folder and opens Claude Code; returns Claude Code's exit status. */
export async function start(options: StartOptions, invocation: Invocation): Promise<number> {
  const { resume, web = false } = options
  if (resume !== undefined) checkResume(resume)
  const opens = !options.detach && !web && isInteractive()
  // Before the stack is started, which may take minutes.
  if (opens) requireCapableTerminal(userEnvironment().TERM)
  const { context, agent, state, outcome } = await startHere(serviceOfSessions, invocation, options)
  if (opens) {
    if (resume !== undefined) await refuseUnknown(context, state, resume)
    const fresh = options.continue === false
    if (fresh) await refuseOpenSession(context, state)
    sayHowToLeave()
    return reportAfter({ ...agent, verbose: invocation.verbose }, () =>
      openSession(agent, { fresh, resume }),
    )
  }
  if (outcome === 'running') await warnOfRefusedPolicy(context, state)
  context.log({ kind: 'info', text: `${agent.stack} is up` })
  if (web) {
    await (await import('./web.ts')).web({ open: true }, invocation)
  } else if (!options.detach) {
    const text = `no session was opened, because this is not a terminal: run ${calledAs()} start in one`
    context.log({ kind: 'info', text })
  }
  return 0
}

/** A running proxy keeps its policy when an edit is refused, and the edit's author may not have noticed. */
async function warnOfRefusedPolicy({ engine, log }: Context, state: StackState) {
  const proxy = serviceOf(state, serviceOfEgress)
  const lines = proxy ? await engine.logLines(proxy.container, 2_000).catch(() => []) : []
  const refused = refusedPolicy(lines)
  if (refused === null) return
  const text = `squid.conf is not in force; the proxy keeps its previous policy: ${refused}`
  log({ kind: 'warn', text })
}
