import { messageOf } from '../base/errors.ts'
import { terminalText } from '../base/terminal-text.ts'
import { describeFailure } from '../run/failure.ts'
import { renderJson, renderStreamJson } from '../run/render.ts'
import type { RunEvent, RunResult } from '../run/result.ts'
import type { RunStarter } from '../tenants/run-starter.ts'
import type { ServerLog } from '../tenants/server-log.ts'
import { type Access, type Caller, callerWithoutToken } from '../tenants/tokens.ts'
import { findWorkspace } from '../tenants/workspace.ts'
import type { History, RunHistory } from './history.ts'
import { exitCodes, type HistoryMeta } from './history-meta.ts'
import { filledIn, promptOf } from './instruction.ts'
import type { Job } from './job.ts'

/** A moment at which a job runs. */
export type Fire = {
  at: Date
  /** Null when it was asked for. */
  dueAt: Date | null
  catchUp: boolean
}

export type JobRunParts = {
  access: Pick<Access, 'named' | 'tenants'>
  starter: Pick<RunStarter, 'start'>
  history: History
  workspacesFolder: string
  log: ServerLog
  now: () => Date
}

export type EndedJob = { meta: HistoryMeta; record: RunHistory }

const answerCharacters = 1_000_000

/**
 * Runs a job once, through the starter of every surface: with the budgets, limits and records of its caller.
 *
 * @param begun is told the folder of the history, before the run starts
 */
export async function runJob(
  parts: JobRunParts,
  job: Job,
  fire: Fire,
  begun: (folder: string) => Promise<void>,
): Promise<EndedJob> {
  const { history, starter, now } = parts
  const [prior = null] = (await history.list(job, 5)).filter(({ status }) => status !== 'running')
  const prompts = systemPromptsOf(job, fire.at)
  const meta: HistoryMeta = {
    job: job.name,
    workspace: job.workspace ?? '',
    ...{ tenant: null, token: null, runId: null, sessionId: null, exitCode: null },
    ...{ schedule: job.schedule, timezone: job.timezone },
    dueAt: fire.dueAt?.toISOString() ?? null,
    startedAt: fire.at.toISOString(),
    endedAt: null,
    status: 'running',
    catchUp: fire.catchUp,
    ...{ costUsd: null, error: null, answer: '' },
    asked: {
      model: job.request.model ?? null,
      effort: job.request.effort ?? null,
      instruction: filledIn(job.instruction, job, fire.at),
      systemPrompt: prompts.systemPrompt ?? null,
      appendSystemPrompt: prompts.appendSystemPrompt ?? null,
    },
    telegramChatId: job.telegramChatId === null ? null : Number(job.telegramChatId),
  }
  const record = await history.begin(job, meta)
  await begun(record.folder)
  const ended = (more: Partial<HistoryMeta>) => {
    Object.assign(meta, more, { endedAt: now().toISOString() })
    return meta
  }
  try {
    const caller = callerOf(parts, job)
    Object.assign(meta, { tenant: caller.tenant.name, token: caller.token.name })
    const workspace = await findWorkspace(job.workspace, caller, parts.workspacesFolder)
    const run = await starter.start({
      caller,
      workspace,
      request: {
        ...job.request,
        ...prompts,
        prompt: promptOf(job, fire.at, prior),
        session: { kind: 'fresh' },
      },
      surface: `schedules:${job.name}`,
      asks: false,
      // Another run of the workspace ends first: a job that gives up would be missed for the day.
      wait: true,
      onEvent: event => keepEvent(record, event),
    })
    meta.runId = run.id
    const result = await run.result
    await run.read
    ended(outcomeOf(result))
  } catch (error) {
    ended({ status: 'refused', exitCode: -1, error: messageOf(error) })
  }
  if (meta.error !== null) await record.errors(terminalText(meta.error)).catch(() => {})
  await record.end(meta)
  return { meta, record }
}

/** Fills in the templates of the system prompts, those that the job has. */
function systemPromptsOf(job: Job, at: Date) {
  const { systemPrompt, appendSystemPrompt } = job.request
  return {
    ...(systemPrompt !== undefined && { systemPrompt: filledIn(systemPrompt, job, at) }),
    ...(appendSystemPrompt !== undefined && {
      appendSystemPrompt: filledIn(appendSystemPrompt, job, at),
    }),
  }
}

/** Keeps an event as Claude Code's stream-json prints it. Partial messages are left out, as in the store. */
async function keepEvent(record: RunHistory, event: RunEvent): Promise<void> {
  if (event.kind === 'notice') return record.errors(terminalText(event.text))
  // The last line, of a run that ended without a result too.
  if (event.kind === 'ended') return record.activity(renderJson(event.result), { isLast: true })
  if (event.kind === 'claude' && event.message.type === 'result') return
  const line = renderStreamJson(event, { partial: false })
  if (line !== null) await record.activity(line)
}

function outcomeOf({ status, costUsd, error, claude, sessionId }: RunResult): Partial<HistoryMeta> {
  const answer = typeof claude?.result === 'string' ? claude.result : ''
  return {
    ...{ status, exitCode: exitCodes[status], costUsd, sessionId },
    error: error && describeFailure(error),
    answer: answer.slice(0, answerCharacters),
  }
}

function callerOf({ access }: Pick<JobRunParts, 'access'>, { caller }: Job): Caller {
  if ('token' in caller) {
    const found = access.named(caller.token)
    if (found) return found
    throw new Error(`the token ${caller.token} does not exist`)
  }
  const tenant = access.tenants().find(({ name }) => name === caller.tenant)
  if (tenant) return callerWithoutToken('schedules', tenant)
  throw new Error(`the tenant ${caller.tenant} does not exist`)
}
