import * as z from 'zod'
import { TenantName, TokenName } from '../config/tenants.ts'
import { safeRelativePath } from '../files/beneath.ts'
import { efforts, ModelName } from '../run/request.ts'
import { isTimeZone, problemOfSchedule } from './timetable.ts'

export const sinks = ['none', 'telegram', 'webhook', 'file'] as const
export type SinkName = (typeof sinks)[number]

export const JobName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of letters, digits, _ and -')

/** An empty value means that the key is absent, as with claudebox. */
const orAbsent = <T extends z.ZodType>(schema: T) =>
  z.preprocess(value => (value === null || value === '' ? undefined : value), schema.optional())

const text = (bytes: number) =>
  z.string().refine(value => Buffer.byteLength(value) <= bytes, {
    error: `must be at most ${bytes} bytes`,
  })
const instructionBytes = 64 * 1024

const relativePath = pathOr(null)

/** A relative path, or one more word. */
function pathOr(word: string | null) {
  return z
    .string()
    .max(1_024)
    .refine(value => value === word || safeRelativePath(value) !== null, {
      error: 'must be a relative path without ..',
    })
}

/** What a job may state, and the root of the file for all jobs. */
const overrides = {
  model: orAbsent(ModelName),
  effort: orAbsent(z.enum(efforts)),
  /** claudebox's other name of `effort`. */
  thinking: orAbsent(z.enum(['off', ...efforts])),
  system_prompt: orAbsent(text(instructionBytes)),
  append_system_prompt: orAbsent(text(instructionBytes)),
  telegram_chat_id: orAbsent(
    z
      .union([z.number().int(), z.string().regex(/^-?\d{1,20}$/, 'must be a number')])
      .transform(String),
  ),
  /** Topic of a forum, in which the answer appears. */
  telegram_topic_id: orAbsent(z.number().int().positive()),
  timezone: orAbsent(
    z.string().refine(isTimeZone, { error: 'must be a time zone, such as Europe/Berlin' }),
  ),
  /** As with claudebox, `.` is the folder of the tenant. */
  workspace: orAbsent(pathOr('.')),
  tenant: orAbsent(TenantName),
  token: orAbsent(TokenName),
  sink: orAbsent(z.enum(sinks)),
  max_budget_usd: orAbsent(z.number().positive().max(1_000_000)),
  timeout_seconds: orAbsent(z.number().int().min(1).max(86_400)),
  /** Runs of each job that the history keeps. */
  keep_runs: orAbsent(z.number().int().min(1).max(1_000)),
}

const schedule = z.string().superRefine((value, context) => {
  const problem = problemOfSchedule(value)
  if (problem !== null) context.addIssue({ code: 'custom', message: problem })
})

export const JobEntry = z.strictObject({
  name: JobName,
  schedule,
  instruction: text(1024 * 1024).min(1, 'must not be empty'),
  /** Of the sink `file`: where the answer goes, below the workspace. */
  file: orAbsent(relativePath),
  /** claudebox's: each run is a fresh session in any case. */
  no_continue: orAbsent(z.boolean()),
  ...overrides,
})
export type JobEntry = z.infer<typeof JobEntry>

export const jobLimit = 200

/** Runs of a job that the history keeps, unless its file says so. */
const keptRuns = 100

/** The content of cron.yml. */
export const CronFile = z.strictObject({
  ...overrides,
  jobs: z.array(JobEntry).max(jobLimit, `must have at most ${jobLimit} jobs`),
})
export type CronFile = z.infer<typeof CronFile>

/** A job with what the root of its file says. */
export type Job = {
  name: string
  schedule: string
  instruction: string
  timezone: string
  /** Below the folder of its tenant; the default of its token when left out. */
  workspace: string | undefined
  caller: { token: string } | { tenant: string }
  sink: SinkName
  /** Null unless the sink is `file`. */
  file: string | null
  telegramChatId: string | null
  /** Topic of that chat; null outside of a forum. */
  telegramTopicId: number | null
  /** Runs that the history keeps, the newest. */
  keptRuns: number
  request: {
    model?: string
    effort?: (typeof efforts)[number]
    systemPrompt?: string
    appendSystemPrompt?: string
    maxBudgetUsd?: number
    timeoutSeconds?: number
  }
}

/** Where the jobs of a server are, unless their file says so. */
export type JobDefaults = { timezone: string; tenant: string }

/** Returns a job with the overrides of the root; its own win. */
export function jobOf(entry: JobEntry, root: Partial<CronFile>, defaults: JobDefaults): Job {
  const given = entry.telegram_chat_id ?? root.telegram_chat_id ?? null
  // With claudebox, 0 turns the chat of the root off.
  const chat = given === null || Number(given) === 0 ? null : given
  const workspace = entry.workspace ?? root.workspace
  const sink = entry.sink ?? root.sink ?? (chat === null ? 'none' : 'telegram')
  const request = {
    model: entry.model ?? root.model,
    effort: effortOf(entry) ?? effortOf(root),
    systemPrompt: entry.system_prompt ?? root.system_prompt,
    appendSystemPrompt: entry.append_system_prompt ?? root.append_system_prompt,
    maxBudgetUsd: entry.max_budget_usd ?? root.max_budget_usd,
    timeoutSeconds: entry.timeout_seconds ?? root.timeout_seconds,
  }
  return {
    name: entry.name,
    schedule: entry.schedule,
    instruction: entry.instruction,
    timezone: entry.timezone ?? root.timezone ?? defaults.timezone,
    workspace: workspace === '.' ? undefined : workspace,
    caller: callerOf(entry) ?? callerOf(root) ?? { tenant: defaults.tenant },
    sink,
    file: sink === 'file' ? (entry.file ?? `${entry.name}.md`) : null,
    telegramChatId: chat,
    telegramTopicId: entry.telegram_topic_id ?? root.telegram_topic_id ?? null,
    keptRuns: entry.keep_runs ?? root.keep_runs ?? keptRuns,
    request: Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)),
  }
}

function effortOf({ effort, thinking }: Pick<Partial<JobEntry>, 'effort' | 'thinking'>) {
  return effort ?? (thinking === 'off' ? undefined : thinking)
}

function callerOf({ token, tenant }: { token?: string | undefined; tenant?: string | undefined }) {
  if (token !== undefined) return { token }
  return tenant === undefined ? null : { tenant }
}

/** Returns what is wrong with a job as a whole; null when nothing is. */
export function problemOfJob(job: Job): string | null {
  if (job.sink === 'telegram' && job.telegramChatId === null) {
    return 'sink telegram needs telegram_chat_id'
  }
  return null
}
