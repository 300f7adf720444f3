import { resolve } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import type { ScheduleAnswer, ScheduledJob, ScheduledRun } from '../../config/schedule-control.ts'
import { openEngine } from '../../operations/context.ts'
import { askSchedules } from '../../operations/serve/ask-schedules.ts'
import { exportServerHistory } from '../../operations/serve/export-history.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderColumns } from '../render/columns.ts'
import { widthOf } from '../terminal.ts'

type Options = { name?: string; json?: boolean }

export async function list({ name, json }: Options, invocation: Invocation) {
  show(await askSchedules(await openEngine(invocation), { action: 'list' }, name), json, invocation)
}

export async function runNow(job: string, { name, json }: Options, invocation: Invocation) {
  const answer = await askSchedules(await openEngine(invocation), { action: 'run', job }, name)
  show(answer, json, invocation)
}

export async function history(
  job: string | undefined,
  { name, json, lines, export: target }: Options & { lines?: string; export?: string },
  invocation: Invocation,
) {
  if (target !== undefined) {
    const limit = lines === undefined ? undefined : countOf(lines, 100_000)
    return exportRuns({ target, job, limit, server: name }, json)
  }
  const limit = countOf(lines ?? '20', 100)
  const request = { action: 'history', limit, ...(job !== undefined && { job }) } as const
  show(await askSchedules(await openEngine(invocation), request, name), json, invocation)
}

function countOf(lines: string, most: number): number {
  const count = Number(lines)
  if (/^\d{1,6}$/.test(lines) && count >= 1 && count <= most) return count
  throw new UserError(`--lines ${terminalLine(lines, 20)} is not a number from 1 to ${most}`, {
    hint: `run ${calledAs()} schedule history --lines 20`,
    exitCode: 2,
  })
}

async function exportRuns(
  options: Parameters<typeof exportServerHistory>[0],
  json: boolean | undefined,
): Promise<void> {
  if (options.target === '') {
    throw new UserError('--export is empty', {
      hint: `run ${calledAs()} schedule history --export FOLDER`,
      exitCode: 2,
    })
  }
  const done = await exportServerHistory({ ...options, target: resolve(options.target) })
  if (json) return console.log(terminalJson({ version: 1, ...done }))
  const { folder, exported, present, running } = done
  const rest = [
    ...(present > 0 ? [`${present} already there`] : []),
    ...(running > 0 ? [`${running} still in progress`] : []),
  ]
  const runs = `${exported} run${exported === 1 ? '' : 's'}`
  const skipped = rest.length === 0 ? '' : ` (skipped: ${rest.join(', ')})`
  console.log(`exported ${runs} to ${terminalLine(folder, 1_000)}${skipped}`)
}

export async function setPaused(
  action: 'pause' | 'resume',
  job: string | undefined,
  { name, json }: Options,
  invocation: Invocation,
) {
  const request = { action, ...(job !== undefined && { job }) }
  show(await askSchedules(await openEngine(invocation), request, name), json, invocation)
}

export async function remove(job: string, { name, json }: Options, invocation: Invocation) {
  const answer = await askSchedules(await openEngine(invocation), { action: 'remove', job }, name)
  show(answer, json, invocation)
}

type Answer = Exclude<ScheduleAnswer, { kind: 'error' }>

function show(answer: Answer, json: boolean | undefined, { log }: Invocation) {
  if (json) {
    const { kind: _, ...rest } = answer
    return console.log(terminalJson({ version: 1, ...rest }))
  }
  const width = widthOf(process.stdout)
  switch (answer.kind) {
    case 'jobs':
      for (const text of warnings(answer)) log({ kind: 'warn', text })
      return console.log(renderJobs(answer.jobs, width))
    case 'runs':
      return console.log(renderRuns(answer.runs, width))
    case 'started': {
      const job = terminalLine(answer.job, 64)
      return log({ kind: 'info', text: `${job} started: ${calledAs()} schedule history ${job}` })
    }
    case 'removed':
      return log({ kind: 'info', text: `${terminalLine(answer.job, 64)} removed` })
    default:
      return answer satisfies never
  }
}

/** Returns what keeps jobs from firing as they are listed, a line each. */
export function warnings({ problem, paused, jobs }: Extract<Answer, { kind: 'jobs' }>): string[] {
  const before = `the jobs are those before the last change: ${terminalLine(problem ?? '', 300)}`
  return [
    ...(problem === null ? [] : [before]),
    // A job that was resumed by its name stays silent with all others.
    ...(paused ? [`all jobs are paused, until ${calledAs()} schedule resume`] : []),
    ...heldLines(jobs),
  ]
}

/** Returns a line for each reason for which jobs of chats do not fire. */
function heldLines(jobs: readonly ScheduledJob[]): string[] {
  const names = new Map<string, string[]>()
  for (const { name, held } of jobs) {
    if (held !== null) names.set(held, [...(names.get(held) ?? []), terminalLine(name, 64)])
  }
  return [...names].map(([reason, held]) => {
    const remove = `${calledAs()} schedule remove ${held[0]}`
    return `held, as ${terminalLine(reason, 200)}: ${held.join(', ')}. ${remove} removes one`
  })
}

/** Renders the jobs in columns. */
export function renderJobs(jobs: readonly ScheduledJob[], width?: number): string {
  if (jobs.length === 0) return 'no jobs'
  return renderColumns(
    ['JOB', 'SCHEDULE', 'ZONE', 'NEXT', 'LAST', 'SINK'],
    jobs.map(job => [
      { text: terminalLine(job.name, 64) },
      { text: terminalLine(job.schedule, 100) },
      { text: terminalLine(job.timezone, 60) },
      { text: job.running ? 'running' : stillOf(job) },
      { text: minute(job.last) },
      { text: terminalLine(job.sink, 20) },
    ]),
    text => text,
    width,
  )
}

/** Renders runs in columns, with what was wrong or the first line of the answer. */
export function renderRuns(runs: readonly ScheduledRun[], width?: number): string {
  if (runs.length === 0) return 'no runs'
  return renderColumns(
    ['STARTED', 'JOB', 'STATUS', 'RUN', 'ANSWER'],
    runs.map(run => [
      { text: minute(run.startedAt) },
      { text: terminalLine(run.job, 64) },
      { text: terminalLine(`${run.status}${run.catchUp ? ' (late)' : ''}`, 40) },
      { text: terminalLine(run.runId ?? '-', 20) },
      { text: terminalLine(run.error ?? run.answer.trim().split('\n')[0] ?? '', 200) },
    ]),
    text => text,
    width,
  )
}

function stillOf({ held, paused, next }: ScheduledJob): string {
  if (held !== null) return 'held'
  return paused ? 'paused' : minute(next)
}

/** Renders an ISO 8601 time to the minute, in UTC. */
function minute(time: string | null): string {
  return time === null ? '-' : `${terminalLine(time, 30).slice(0, 16).replace('T', ' ')} UTC`
}
