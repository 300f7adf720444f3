import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { Job } from './job.ts'
import { type EndedJob, type Fire, type JobRunParts, runJob } from './job-run.ts'
import type { JobState, OpenScheduleState } from './schedule-state.ts'
import type { JobResult, Sinks } from './sinks.ts'
import { nextFire } from './timetable.ts'

export type SchedulerParts = JobRunParts & {
  /** Returns the jobs in force. */
  jobs: () => readonly Job[]
  /** Returns the jobs that do not fire for now: what falls into that time is over. */
  held: () => readonly { job: Job }[]
  state: OpenScheduleState
  sinks: Sinks
}

/** A fire that is later than this makes up for a downtime. */
const graceMilliseconds = 60_000
/** The clock may be set, and the file changed: the times are looked at so often in any case. */
const lookMilliseconds = 30_000
/** Jobs in progress at once, beside the limit of each tenant. */
const atOnce = 32

/** Fires the jobs when they are due. `tick` does what is due at the moment; `start` calls it again and again. */
export function createScheduler(parts: SchedulerParts) {
  const { state, log, now, history } = parts
  const active = new Map<string, Promise<EndedJob>>()
  const closing = new AbortController()
  let loop: Promise<void> = Promise.resolve()
  let heldBefore: ReadonlySet<string> = new Set()

  /** Returns the state of a job: a new or changed one is handled up to now. */
  function stateOf(job: Job): JobState {
    const schedule = `${job.schedule} ${job.timezone}`
    const known = state.current.jobs[job.name]
    if (known?.schedule === schedule) return known
    const begun = { lastFire: null, running: null, paused: false, ...known }
    const fresh: JobState = { ...begun, schedule, handled: now().toISOString() }
    state.current.jobs[job.name] = fresh
    return fresh
  }

  const isPaused = (job: Job) => state.current.paused || stateOf(job).paused

  function dueOf(job: Job): Date | null {
    return nextFire(job, new Date(stateOf(job).handled))
  }

  /** Starts what is due, each job at most once however many fires were missed. Resolves once that is kept. */
  async function tick(): Promise<void> {
    const at = now()
    const held = parts.held().map(({ job }) => job)
    const silent = new Set([...heldBefore, ...held.map(({ name }) => name)])
    heldBefore = new Set(held.map(({ name }) => name))
    const jobs = [...parts.jobs(), ...held]
    state.prune(new Set(jobs.map(({ name }) => name)))
    const known = JSON.stringify(state.current.jobs)
    const due: { job: Job; dueAt: Date }[] = []
    for (const job of jobs) {
      const dueAt = dueOf(job)
      if (dueAt === null || dueAt > at) continue
      // Kept before the start: a run starts at most once for a fire, also when this process is killed.
      Object.assign(stateOf(job), { handled: at.toISOString() })
      if (silent.has(job.name) || isPaused(job)) continue
      due.push({ job, dueAt })
    }
    if (JSON.stringify(state.current.jobs) !== known) await keep()
    for (const { job, dueAt } of due) fire(job, dueAt, at)
  }

  function fire(job: Job, dueAt: Date, at: Date) {
    if (active.has(job.name) || active.size >= atOnce) {
      const reason = active.has(job.name)
        ? 'its previous run is in progress'
        : `${atOnce} jobs are in progress`
      log({ kind: 'schedule', job: job.name, event: 'skipped', reason })
      void deliver(job, { kind: 'skipped', reason, dueAt: dueAt.toISOString() })
      return
    }
    begin(job, { at, dueAt, catchUp: at.getTime() - dueAt.getTime() > graceMilliseconds }).catch(
      () => {},
    )
  }

  function begin(job: Job, at: Fire): Promise<EndedJob> {
    const run = perform(job, at).finally(() => active.delete(job.name))
    active.set(job.name, run)
    return run
  }

  async function perform(job: Job, at: Fire): Promise<EndedJob> {
    log({ kind: 'schedule', job: job.name, event: 'fired' })
    try {
      const ended = await runJob(parts, job, at, async folder => {
        Object.assign(stateOf(job), { running: folder, lastFire: at.at.toISOString() })
        await keep()
      })
      const { meta, record } = ended
      const event = meta.status === 'refused' ? 'refused' : 'ended'
      log({
        ...({ kind: 'schedule', job: job.name, event } as const),
        ...(meta.error !== null && { reason: terminalLine(meta.error, 300) }),
        ...(meta.runId !== null && { runId: meta.runId }),
        ...(meta.tenant !== null && { tenant: meta.tenant }),
      })
      const note = (content: unknown) => record.note(job.sink, content)
      await deliver(job, { kind: 'ended', meta, folder: record.folder, note })
      return ended
    } catch (error) {
      log({ kind: 'error', message: `job ${job.name}: ${messageOf(error)}` })
      throw error
    } finally {
      const kept = state.current.jobs[job.name]
      if (kept) kept.running = null
      await keep()
    }
  }

  async function deliver(job: Job, result: JobResult): Promise<void> {
    if (job.sink === 'none' || job.sink === 'webhook') return
    try {
      const sink = parts.sinks[job.sink]
      if (!sink) throw new Error(`the server has no sink ${job.sink}`)
      await sink(job, result)
    } catch (error) {
      log({
        kind: 'error',
        message: `job ${job.name}: its result was not sent: ${messageOf(error)}`,
      })
    }
  }

  /** A full disk costs the memory of a fire over a restart, not the fire. */
  async function keep() {
    await state.save().catch(error => log({ kind: 'error', message: messageOf(error) }))
  }

  async function repeat() {
    while (!closing.signal.aborted) {
      try {
        await tick()
      } catch (error) {
        log({ kind: 'error', message: `schedules: ${messageOf(error)}` })
      }
      const next = parts.jobs().flatMap(job => dueOf(job)?.getTime() ?? [])
      const pause = Math.min(lookMilliseconds, ...next.map(time => time - now().getTime()))
      await sleep(Math.max(20, pause), undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  return {
    tick,
    isPaused,
    dueOf,
    stateOf,
    keep,
    isRunning: (name: string) => active.has(name),

    /** Ends what the last process left in progress, and begins to fire. */
    async start(): Promise<void> {
      for (const [name, job] of Object.entries(state.current.jobs)) {
        if (job.running === null) continue
        const entry = await history.interrupt(job.running, now())
        const known = parts.jobs().find(job => job.name === name)
        job.running = null
        if (!entry) continue
        log({ kind: 'schedule', job: name, event: 'missed', reason: 'the server stopped' })
        const { folder, ...meta } = entry
        if (known) {
          const note = (content: unknown) => history.note(folder, known.sink, content)
          await deliver(known, { kind: 'ended', meta, folder, note })
        }
      }
      loop = repeat()
    },

    /** Runs a job now, beside its times. Resolves at its end. */
    run(job: Job): Promise<EndedJob> {
      if (active.has(job.name)) {
        throw new UserError(`job ${job.name} is in progress`, { hint: 'wait until it ends' })
      }
      return begin(job, { at: now(), dueAt: null, catchUp: false })
    },

    /** Fires nothing more. Resolves once the runs in progress, which the starter ends, are recorded. */
    async close(): Promise<void> {
      closing.abort()
      await loop
      await Promise.allSettled(active.values())
    },
  }
}
export type Scheduler = ReturnType<typeof createScheduler>
