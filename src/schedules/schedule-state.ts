import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { readRegularFileSync } from '../files/regular-file.ts'
import { replaceFile } from '../files/replace-file.ts'
import { CronFile, JobName, jobLimit } from './job.ts'

/** What the server keeps of a job. */
const JobState = z.object({
  /** Schedule and time zone to which `handled` belongs: a changed job catches nothing up. */
  schedule: z.string(),
  /** ISO 8601. Fires up to this moment were started, skipped, or missed for good. */
  handled: z.string(),
  /** ISO 8601; null before the first fire. */
  lastFire: z.string().nullable().default(null),
  /** Folder of the history of the run in progress. */
  running: z.string().nullable().default(null),
  paused: z.boolean().default(false),
})
export type JobState = z.infer<typeof JobState>

const ScheduleState = z.object({
  version: z.literal(1),
  /** Whether every job is paused. */
  paused: z.boolean().default(false),
  jobs: z.record(JobName, JobState).default({}),
  /** Jobs that were added in a chat, in the form of cron.yml. */
  added: CronFile.shape.jobs.default([]),
  /** The message that asked for each of them, so that a repeated one adds no second job. */
  origins: z.record(JobName, z.string().max(100)).default({}),
  /** The user who asked for each of them. Without one, its chat alone decides whether it fires. */
  users: z.record(JobName, z.number()).default({}),
})
export type ScheduleState = z.infer<typeof ScheduleState>

const largest = 8 * 1024 * 1024

/** Opens the state of the schedules. A damaged file stops the start: its jobs would fire again. */
export function openScheduleState(folder: string) {
  const path = join(folder, 'state.json')
  const state = read(path)
  let last: Promise<void> = Promise.resolve()
  return {
    current: state,
    /** Writes the state as it is at that time, one write after the other. */
    save(): Promise<void> {
      const write = () => replaceFile(path, `${JSON.stringify(state)}\n`, { durable: true })
      const next = last.then(write, write)
      last = next.catch(() => {})
      return next
    },
    /** Forgets jobs that are in no file any more, when there are many. */
    prune(names: ReadonlySet<string>) {
      if (Object.keys(state.jobs).length <= 2 * jobLimit) return
      for (const name of Object.keys(state.jobs)) if (!names.has(name)) delete state.jobs[name]
    },
  }
}
export type OpenScheduleState = ReturnType<typeof openScheduleState>

function read(path: string): ScheduleState {
  const file = readRegularFileSync(path, { limit: largest })
  if (file.kind === 'missing') return ScheduleState.parse({ version: 1 })
  const parsed =
    file.kind === 'bytes' ? ScheduleState.safeParse(parseJson(file.bytes.toString())) : null
  if (parsed?.success) return parsed.data
  throw new UserError(`${path} is damaged`, {
    hint: 'move it away: jobs then start again, and pauses and jobs of chats are gone',
  })
}
