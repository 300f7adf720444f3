import { statSync } from 'node:fs'
import { messageOf, UserError } from '../base/errors.ts'
import type { ServerLog } from '../tenants/server-log.ts'
import { readCronFile } from './cron-file.ts'
import { type Job, type JobDefaults, jobOf, type SinkName } from './job.ts'
import type { ScheduleState } from './schedule-state.ts'

/** A job that a chat has added and that does not fire, such as of a chat that the bot no longer admits. */
export type HeldJob = { job: Job; reason: string }

/** Returns why a job must not fire that a user has added in a chat: telegram.yml has changed since. */
export type JobRefusal = (job: Job, user: number | null) => string | null

export type JobSource = {
  /** Those in force. */
  jobs: () => readonly Job[]
  /** Those of chats that do not fire for now. */
  held: () => readonly HeldJob[]
  isAdded: (name: string) => boolean
  /** Why cron.yml is not in force as it is; null when it is. */
  problem: () => string | null
}

/** Two looks at the file are at least this far apart. */
const lookMilliseconds = 100

/**
 * Reads cron.yml, and reads it again when it changes. A broken file keeps the jobs that were in force. Throws when the
 * first reading fails: a server without the jobs that it is to run would look healthy.
 */
export function openJobSource(options: {
  path: string
  defaults: JobDefaults
  /** The sinks that this server has. */
  sinks: readonly SinkName[]
  state: ScheduleState
  refusalOf: JobRefusal
  log: ServerLog
  now?: () => number
}): JobSource {
  const { path, defaults, sinks, state, refusalOf, log, now = () => performance.now() } = options
  let seen = stampOf(path)
  let looked = now()
  let problem: string | null = null
  let listed = load()
  const told = new Map<string, string>()

  function load(): Job[] {
    const jobs = readCronFile(path, defaults)
    const silent = jobs.find(({ sink }) => !sinks.includes(sink))
    if (!silent) return jobs
    // Its runs would cost money, and no one would read their answers.
    const { name, sink } = silent
    throw sink === 'webhook'
      ? new UserError(`${path} job ${name}: sink webhook needs WEBHOOK_URL`, {
          hint: 'set WEBHOOK_URL in .env and run serve up, or choose another sink',
        })
      : new UserError(`${path} job ${name}: this server has no sink ${sink}`, {
          hint: `set sink to ${sinks.join(', ')}`,
        })
  }

  function look() {
    if (now() - looked < lookMilliseconds) return
    looked = now()
    const stamp = stampOf(path)
    if (stamp === seen) return
    seen = stamp
    try {
      listed = load()
      problem = null
      log({ kind: 'schedules', jobs: listed.length })
    } catch (error) {
      problem = messageOf(error)
      const hint = error instanceof UserError ? error.hint : undefined
      log({ kind: 'error', message: `kept the earlier jobs: ${problem}`, hint })
    }
  }

  const added = () =>
    state.added
      .filter(({ name }) => !listed.some(job => job.name === name))
      .map(entry => {
        const job = jobOf(entry, {}, defaults)
        const reason = reasonToHold(job)
        tell(job.name, reason)
        return { job, reason }
      })

  function reasonToHold(job: Job): string | null {
    // Without its bot, no one would read the answers of a job.
    if (!sinks.includes(job.sink)) return `this server has no sink ${job.sink}`
    return refusalOf(job, state.users[job.name] ?? null)
  }

  /** Logs that a job is held, or fires again. */
  function tell(job: string, reason: string | null) {
    if ((told.get(job) ?? null) === reason) return
    if (reason === null) told.delete(job)
    else told.set(job, reason)
    const event = reason === null ? 'released' : 'held'
    log({ kind: 'schedule', job, event, ...(reason !== null && { reason }) })
  }

  return {
    jobs() {
      look()
      const inForce = added().filter(({ reason }) => reason === null)
      return [...listed, ...inForce.map(({ job }) => job)]
    },
    held() {
      look()
      return added().flatMap(({ job, reason }) => (reason === null ? [] : [{ job, reason }]))
    },
    isAdded: name => !listed.some(job => job.name === name),
    problem() {
      look()
      return problem
    },
  }
}

function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats ? `${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}` : 'missing'
}
