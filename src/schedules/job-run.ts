import { messageOf } from '../base/errors.ts'
import { describeFailure } from '../run/failure.ts'
import type { RunEvent, RunResult } from '../run/result.ts'
import type { RunStarter } from '../tenants/run-starter.ts'
import type { ServerLog } from '../tenants/server-log.ts'
import { type Access, type Caller, callerWithoutToken } from '../tenants/tokens.ts'
import { findWorkspace } from '../tenants/workspace.ts'
import type { History, HistoryMeta, RunHistory } from './history.ts'
import { promptOf } from './instruction.ts'
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
  const meta: HistoryMeta = {
    job: job.name,
    workspace: job.workspace ?? '',
    tenant: null,
    token: null,
    runId: null,
    ...{ schedule: job.schedule, timezone: job.timezone },
    dueAt: fire.dueAt?.toISOString() ?? null,
    startedAt: fire.at.toISOString(),
    endedAt: null,
    status: 'running',
    catchUp: fire.catchUp,
    ...{ costUsd: null, error: null, answer: '' },
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
    ended({ status: 'refused', error: messageOf(error) })
  }
  if (meta.error !== null) await record.errors(meta.error).catch(() => {})
  await record.end(meta)
  return { meta, record }
}

/** Partial messages are left out, as in the store. */
async function keepEvent(record: RunHistory, event: RunEvent): Promise<void> {
  if (event.kind === 'notice') await record.errors(event.text)
  if (event.kind === 'claude' && event.message.type === 'stream_event') return
  if (event.kind !== 'ended') await record.activity(JSON.stringify(event))
}

function outcomeOf({ status, costUsd, error, claude }: RunResult): Partial<HistoryMeta> {
  const answer = typeof claude?.result === 'string' ? claude.result : ''
  const kept = answer.slice(0, answerCharacters)
  return { status, costUsd, error: error && describeFailure(error), answer: kept }
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
