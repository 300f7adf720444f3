import { statSync } from 'node:fs'
import { messageOf, UserError } from '../base/errors.ts'
import type { ServerLog } from '../tenants/server-log.ts'
import { readCronFile } from './cron-file.ts'
import { type Job, type JobDefaults, jobOf, type SinkName } from './job.ts'
import type { ScheduleState } from './schedule-state.ts'

export type JobSource = {
  jobs: () => readonly Job[]
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
  /** Whether the bot still admits a chat. Jobs that a chat has added are in force for as long. */
  admitsChat: (chat: string) => boolean
  log: ServerLog
  now?: () => number
}): JobSource {
  const { path, defaults, sinks, state, admitsChat, log, now = () => performance.now() } = options
  let seen = stampOf(path)
  let looked = now()
  let problem: string | null = null
  let listed = load()

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
      .map(entry => jobOf(entry, {}, defaults))
      // Without its bot, no one would read the answers of a job.
      .filter(({ sink, telegramChatId: chat }) => sinks.includes(sink) && admitsChat(chat ?? ''))

  return {
    jobs() {
      look()
      return [...listed, ...added()]
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
