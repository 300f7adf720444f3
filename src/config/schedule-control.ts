import * as z from 'zod'

/** A request to the schedules of a running server, from the host. */
export const ScheduleRequest = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('list') }),
  z.strictObject({ action: z.literal('run'), job: z.string().max(64) }),
  z.strictObject({
    action: z.literal('history'),
    job: z.string().max(64).optional(),
    limit: z.number().int().min(1).max(100).default(20),
  }),
  /** Every job, when none is named. */
  z.strictObject({ action: z.literal('pause'), job: z.string().max(64).optional() }),
  z.strictObject({ action: z.literal('resume'), job: z.string().max(64).optional() }),
  /** Of the jobs that were added in chats. */
  z.strictObject({ action: z.literal('remove'), job: z.string().max(64) }),
])
export type ScheduleRequest = z.input<typeof ScheduleRequest>

/** A run of a job. Times are ISO 8601. */
export const ScheduledRun = z.object({
  job: z.string(),
  workspace: z.string(),
  runId: z.string().nullable(),
  dueAt: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  status: z.string(),
  catchUp: z.boolean(),
  costUsd: z.number().nullable(),
  error: z.string().nullable(),
  answer: z.string(),
})
export type ScheduledRun = z.infer<typeof ScheduledRun>

/** A job and its times. */
export const ScheduledJob = z.object({
  name: z.string(),
  schedule: z.string(),
  timezone: z.string(),
  workspace: z.string().nullable(),
  sink: z.string(),
  /** Whether it was added in a chat, instead of in cron.yml. */
  added: z.boolean(),
  paused: z.boolean(),
  /** Why it does not fire, such as a chat that telegram.yml no longer has; null when it does. */
  held: z.string().nullable().default(null),
  running: z.boolean(),
  /** Null when it never fires again, is paused, or is held. */
  next: z.string().nullable(),
  last: z.string().nullable(),
})
export type ScheduledJob = z.infer<typeof ScheduledJob>

/** The answer to each request. `problem` says why cron.yml is not in force as it is. */
export const ScheduleAnswer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('jobs'),
    jobs: z.array(ScheduledJob),
    paused: z.boolean(),
    problem: z.string().nullable(),
  }),
  z.object({ kind: z.literal('runs'), runs: z.array(ScheduledRun) }),
  z.object({ kind: z.literal('started'), job: z.string() }),
  z.object({ kind: z.literal('removed'), job: z.string() }),
  z.object({ kind: z.literal('error'), message: z.string(), hint: z.string() }),
])
export type ScheduleAnswer = z.infer<typeof ScheduleAnswer>
