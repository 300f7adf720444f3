import { messageOf, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { type ScheduledJob, ScheduledRun } from '../config/schedule-control.ts'
import type { History } from './history.ts'
import { type Job, JobEntry, jobLimit } from './job.ts'
import type { JobSource } from './job-source.ts'
import type { OpenScheduleState } from './schedule-state.ts'
import type { Scheduler } from './scheduler.ts'

/** What a person does with the schedules, from the host or from a chat. */
export function createScheduleControl(parts: {
  scheduler: Scheduler
  source: JobSource
  state: OpenScheduleState
  history: History
}) {
  const { scheduler, source, state, history } = parts

  const all = (): Job[] => [...source.jobs(), ...source.held().map(({ job }) => job)]
  /** By the names of the jobs. */
  const reasonsToHold = () =>
    new Map(source.held().map(({ job, reason }) => [job.name, reason] as const))

  function find(name: string): Job {
    const jobs = all()
    const job = jobs.find(job => job.name === name)
    if (job) return job
    const names = jobs.map(job => job.name).slice(0, 20)
    throw new UserError(`there is no job ${terminalLine(name, 64)}`, {
      hint: names.length > 0 ? `choose one of ${names.join(', ')}` : 'add a job to cron.yml',
    })
  }

  function describe(job: Job, reasons = reasonsToHold()): ScheduledJob {
    const { lastFire } = scheduler.stateOf(job)
    const paused = scheduler.isPaused(job)
    const held = reasons.get(job.name) ?? null
    return {
      ...{ name: job.name, schedule: job.schedule, timezone: job.timezone, sink: job.sink },
      workspace: job.workspace ?? null,
      added: source.isAdded(job.name),
      ...{ paused, held, running: scheduler.isRunning(job.name) },
      next: paused || held !== null ? null : (scheduler.dueOf(job)?.toISOString() ?? null),
      last: lastFire,
    }
  }

  async function setPaused(name: string | undefined, paused: boolean): Promise<void> {
    // What fell into the pause is over: a resumed job does not catch it up.
    await scheduler.tick()
    if (name === undefined) state.current.paused = paused
    else scheduler.stateOf(find(name)).paused = paused
    await state.save()
  }

  /** Returns the runs of a job, without what it asked for. */
  async function runsOf(job: Job, limit: number): Promise<ScheduledRun[]> {
    return (await history.list(job, limit)).map(run => ScheduledRun.parse(run))
  }

  return {
    /** Returns the jobs, optionally only those that send to a chat. */
    list(chat?: string): ScheduledJob[] {
      const reasons = reasonsToHold()
      return all()
        .filter(job => chat === undefined || job.telegramChatId === chat)
        .map(job => describe(job, reasons))
    },
    isPaused: () => state.current.paused,
    problem: source.problem,

    /** Starts a job now. Resolves once it is begun, not at its end. */
    async run(name: string): Promise<void> {
      const job = find(name)
      const reason = reasonsToHold().get(name)
      if (reason !== undefined) {
        throw new UserError(`job ${name} does not fire: ${reason}`, {
          hint: `correct telegram.yml, or run schedule remove ${name} on the host`,
        })
      }
      scheduler.run(job).catch(() => {})
    },

    /** Returns the runs of a job, or of all, newest first. */
    async history(name?: string, limit = 20): Promise<ScheduledRun[]> {
      const jobs = name === undefined ? source.jobs() : [find(name)]
      const runs = (await Promise.all(jobs.map(job => runsOf(job, limit)))).flat()
      return runs.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1)).slice(0, limit)
    },

    pause: (name?: string) => setPaused(name, true),
    resume: (name?: string) => setPaused(name, false),

    /** Returns the job that a message has added; null when there is none. */
    addedBy(origin: string): ScheduledJob | null {
      const { origins } = state.current
      const job = all().find(({ name }) => origins[name] === origin)
      return job ? describe(job) : null
    },

    /**
     * Adds a job from a chat, in the form of cron.yml. Its name is its own.
     *
     * @param by names the message that asks for it, and its user
     */
    async add(given: unknown, by?: { origin: string; user: number }): Promise<ScheduledJob> {
      const { current } = state
      const parsed = JobEntry.safeParse(given)
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        throw new UserError(`the job is not valid: ${issue?.path.join('.')} ${issue?.message}`, {
          hint: 'give a schedule of 5 fields, such as 0 9 * * 1-5, and an instruction',
        })
      }
      const { name } = parsed.data
      // With those that are held, and those that a job of cron.yml hides.
      const names = [...source.jobs(), ...current.added].map(job => job.name)
      if (names.includes(name)) {
        throw new UserError(`there is a job ${name} already`, { hint: 'choose another name' })
      }
      if (new Set(names).size >= jobLimit) {
        throw new UserError(`there are ${jobLimit} jobs already`, { hint: 'remove one first' })
      }
      current.added.push(parsed.data)
      if (by !== undefined) {
        current.origins[name] = by.origin
        current.users[name] = by.user
      }
      // Its times count from now.
      const job = describe(find(name))
      await state.save()
      return job
    },

    /** Removes a job that was added in a chat; only of this chat, if one is named. A run of it goes on. */
    async remove(name: string, chat?: string): Promise<void> {
      const job = find(name)
      if (!source.isAdded(name) || (chat !== undefined && job.telegramChatId !== chat)) {
        const place = chat === undefined ? 'a chat' : 'this chat'
        throw new UserError(`job ${name} was not added in ${place}`, {
          hint: 'remove it from cron.yml on the host',
        })
      }
      const { current } = state
      current.added = current.added.filter(entry => entry.name !== name)
      delete current.jobs[name]
      delete current.origins[name]
      delete current.users[name]
      await state.save()
    },

    /** Lets the jobs that were added in a chat send to another one, which it has become. */
    async move(from: string, to: string): Promise<void> {
      const moved = state.current.added.filter(entry => entry.telegram_chat_id === from)
      if (moved.length === 0) return
      for (const entry of moved) entry.telegram_chat_id = to
      await state.save()
    },
  }
}
export type ScheduleControl = ReturnType<typeof createScheduleControl>

/** Returns the words of an error for a chat or a terminal. */
export function problemOf(error: unknown): { message: string; hint: string } {
  const hint = error instanceof UserError ? error.hint : ''
  return { message: messageOf(error), hint }
}
