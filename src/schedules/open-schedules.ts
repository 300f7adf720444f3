import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { defaultTenant } from '../config/tenants.ts'
import { createScheduleControl } from './control.ts'
import { openHistory } from './history.ts'
import type { SinkName } from './job.ts'
import type { JobRunParts } from './job-run.ts'
import { type JobRefusal, openJobSource } from './job-source.ts'
import { openScheduleState } from './schedule-state.ts'
import { createScheduler } from './scheduler.ts'
import { createFileSink, type Sink } from './sinks.ts'

/** Opens the schedules of a server: cron.yml of a folder, and what is kept in the store. `start` begins to fire. */
export function openSchedules({
  path,
  storeFolder,
  timezone,
  hasWebhook,
  bot = null,
  ...parts
}: Omit<JobRunParts, 'history' | 'now'> & {
  /** Of cron.yml. */
  path: string
  storeFolder: string
  /** Of jobs that state none. */
  timezone: string
  hasWebhook: boolean
  /** The bot of the server: how it posts to a chat, and which of the chats' jobs must not fire. */
  bot?: { sink: Sink; refusalOf: JobRefusal } | null
  now?: () => Date
}) {
  const { access, workspacesFolder, log, now = () => new Date() } = parts
  const folder = join(storeFolder, 'cron')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const state = openScheduleState(folder)
  const history = openHistory(join(folder, 'history'))
  const tenants = access.tenants()
  const main = tenants.find(({ name }) => name === defaultTenant) ?? tenants[0]
  const made = {
    file: createFileSink(workspacesFolder),
    ...(bot && { telegram: bot.sink }),
  }
  const names: SinkName[] = ['none', ...(hasWebhook ? (['webhook'] as const) : [])]
  const source = openJobSource({
    ...{ path, log, state: state.current },
    refusalOf: (job, user) => (bot ? bot.refusalOf(job, user) : 'this server has no bot'),
    sinks: [...names, ...(Object.keys(made) as (keyof typeof made)[])],
    defaults: { timezone, tenant: main?.name ?? defaultTenant },
  })
  const scheduler = createScheduler({
    ...{ ...parts, now, history, state, jobs: source.jobs, held: source.held },
    sinks: made,
  })
  return {
    start: scheduler.start,
    close: scheduler.close,
    count: () => source.jobs().length,
    control: createScheduleControl({ scheduler, source, state, history }),
  }
}
export type Schedules = ReturnType<typeof openSchedules>
