import { command, renderCommands } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import type { LogEvent } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { stackOwner } from '../config/environment.ts'
import { parseDirectName } from '../egress/direct-names.ts'
import type { EngineContext } from '../operations/context.ts'
import { type EgressEntry, readEgressLog } from '../operations/egress-log.ts'
import { runningAgent } from '../operations/find-stacks.ts'
import { hostFilesNotice, withdrawnNotice } from '../operations/notices.ts'
import { allowName, denyName } from '../operations/policy/edit-name.ts'
import { runsOf } from '../operations/runs.ts'
import { readUsage } from '../operations/usage.ts'
import { openSessionStream } from '../operations/web/open-session.ts'
import { describeFailure } from '../run/failure.ts'
import type { RunSummary } from '../run/store/store.ts'
import { inspectStack, inspectStacks, type StackState, serviceOf } from '../stack/inspect.ts'
import { serviceOfSessions } from '../stack/services.ts'
import { refuseOtherOwner } from '../stack/state/owner.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import type { EgressView, RunView, StackView } from './messages.ts'
import { createSessionSource } from './session-source.ts'
import type { WebSources } from './sources.ts'

type Options = { context: EngineContext; calledAs: string }

const usageDays = 7
const shownRuns = 50

/** Creates the sources of the page from the engine and the files of this user. */
export function createLiveSources({ context, calledAs }: Options): WebSources {
  const { engine, signal } = context
  const shown = (text: string) =>
    terminalLine(
      renderCommands(text, words => `${calledAs} ${words}`),
      2_000,
    )

  /** Returns a running stack of this user. */
  const find = async (stack: string): Promise<StackState> => {
    const state = await inspectStack(engine, stack)
    if (!state || !isOurs(state)) {
      throw new UserError(`no running stack is called ${terminalLine(stack, 80)}`, {
        hint: `run ${command('start')} in its folder`,
      })
    }
    if (state.identity) await refuseOtherOwner(state.identity, stateFolder(stack), state)
    return state
  }

  return {
    async stacks() {
      return (await inspectStacks(engine)).filter(hasTerminal).map(viewOf)
    },

    async openTerminal(stack, size) {
      return openSessionStream(runningAgent(context, await find(stack)), size)
    },

    async afterTerminal(stack) {
      const notices = [await withdrawnNotice({ stack }), await hostFilesNotice({ stack })]
      return notices.flat().map(shown)
    },

    async egress(stack, { since, onEntry, onLeftOut, signal: gone }) {
      const state = await find(stack)
      const signals = AbortSignal.any([signal, gone])
      await readEgressLog(
        engine,
        state,
        { since, follow: true, signal: signals },
        { onEntry: entry => onEntry(viewEntry(entry)), onLeftOut },
      )
    },

    async editPolicy(stack, { name, action, here }) {
      const { identity } = await find(stack)
      if (!identity) throw new UserError('this stack is of an older version', restart)
      const notices: string[] = []
      const log = (event: LogEvent) => {
        if (event.kind === 'warn' || event.kind === 'info') notices.push(shown(event.text))
      }
      const edit = action === 'allow' ? allowName : denyName
      const { changes, applied } = await edit({ name, here, identity }, { log, signal })
      const late = applied.filter(({ seconds }) => seconds === null).map(({ stack }) => stack)
      return [
        ...changes.map(change => `${change.kind}: ${shown(change.name)}`),
        ...late.map(stack => `${stack} did not confirm the edit`),
        ...notices,
      ]
    },

    async runs(stack) {
      return (await runsOf(stack).list({ limit: shownRuns })).runs.map(viewRun)
    },
    answer: (stack, runId, answers, question) => runsOf(stack).answer(runId, answers, question),
    cancel: (stack, runId) => runsOf(stack).cancel(runId),

    async usage(stack) {
      const { reports } = await readUsage({ days: usageDays, all: false, stack })
      const [report] = reports
      return report ? { today: report.today, total: report.total, models: report.models } : null
    },
    ...createSessionSource(context),
  }
}

const restart = { hint: `run ${command('stop')} and ${command('start')} in its folder` }

function isOurs({ identity }: StackState): boolean {
  return (identity?.owner ?? stackOwner()) === stackOwner()
}

function hasTerminal(state: StackState): boolean {
  return isOurs(state) && serviceOf(state, serviceOfSessions)?.state === 'running'
}

function viewOf({ stack, identity, workspace, workspaceMode }: StackState): StackView {
  return {
    stack,
    id: stack.slice(-8),
    folder: terminalLine(workspace, 300),
    session: identity?.kind === 'session' ? terminalLine(identity.session, 100) : null,
    mode: workspaceMode,
  }
}

/** Names that a list of the user has, in squid.conf or in the folder's own list. */
const ownLists = /^(checkout|folder|checkout,folder)$/

function viewEntry(entry: EgressEntry): EgressView {
  const { ts, verdict, caller, host, reason } = entry
  const isName = parseDirectName(JSON.stringify({ event: 'asked-dns', name: host })) !== undefined
  const common = { at: ts, verdict, caller, host: terminalLine(host, 253), reason }
  if (entry.verdict === 'blocked') return { ...common, port: '', canAllow: isName, canDeny: false }
  const { port, list } = entry
  const byAgent = caller === 'agent' && port === '443' && isName
  return {
    ...common,
    reason: terminalLine(reason, 100),
    port: terminalLine(port, 10),
    canAllow: byAgent && reason === 'not-listed',
    canDeny: byAgent && verdict === 'allowed' && ownLists.test(list),
  }
}

function viewRun(run: RunSummary): RunView {
  const { runId, state, startedAt, prompt, costUsd, question, error } = run
  return {
    runId,
    state: error ? `${state}: ${terminalLine(describeFailure(error), 200)}` : state,
    startedAt,
    prompt: terminalLine(prompt, 200),
    costUsd,
    question,
  }
}
