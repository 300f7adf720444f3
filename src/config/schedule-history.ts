import { createHash } from 'node:crypto'
import * as z from 'zod'

/** Where the server keeps the runs of its schedules, below its data folder: claudebox has the same two folders. */
export const historyParts = ['cron', 'history'] as const

/** The files of a run, named as by claudebox. `telegram.json` exists once the answer was sent to a chat. */
export const historyFiles = ['activity.jsonl', 'stderr.log', 'meta.json', 'telegram.json'] as const

/** The folder of a run: its start in UTC, a number if another one began in that second, and the job. */
export const runFolder = /^\d{8}-\d{6}(?:\.\d{1,4})?-([A-Za-z0-9_-]{1,64})$/

/** The folder of a workspace, which `workspaceSlug` returns. */
export const slugForm = /^[A-Za-z0-9_-]{1,200}$/

/** Returns the name of a workspace's folder as claudebox forms it: `workspaces_app` for `/workspaces/app`. */
export function workspaceSlug(workspace: string): string {
  const slug = workspace.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_|_$/g, '') || 'workspace'
  if (slug.length <= 200) return slug
  return `${slug.slice(0, 120)}-${createHash('sha256').update(workspace).digest('hex')}`
}

/** The content of meta.json: claudebox's keys, and then ours. Times are ISO 8601 in UTC. */
export const RunMeta = z.object({
  name: z.string(),
  schedule: z.string(),
  model: z.string().nullable(),
  effort: z.string().nullable(),
  /** As the two below with its templates filled in. */
  instruction: z.string(),
  system_prompt: z.string().nullable(),
  append_system_prompt: z.string().nullable(),
  /** Absolute path in the worker. */
  workspace: z.string(),
  workspace_slug: z.string(),
  started_at: z.string(),
  finished_at: z.string().nullable(),
  /** Null while it runs; -1 when Claude Code did not run, or not to its end. */
  exit_code: z.number().nullable(),
  error: z.string().nullable(),
  telegram_chat_id: z.number().nullable(),
  /** `running`, the status of a run, or `refused`. */
  status: z.string(),
  /** Whether it made up for fires that a downtime missed. */
  catch_up: z.boolean(),
  /** Null for a run that was asked for. */
  due_at: z.string().nullable(),
  timezone: z.string(),
  run_id: z.string().nullable(),
  session_id: z.string().nullable(),
  cost_usd: z.number().nullable(),
  tenant: z.string().nullable(),
  token: z.string().nullable(),
  result: z.string(),
})
export type RunMeta = z.infer<typeof RunMeta>

/** Maximum bytes of meta.json. */
export const metaBytes = 16 * 1024 * 1024

/** Maximum bytes of activity.jsonl and of stderr.log, without the result, which is written in any case. */
export const activityBytes = 16 * 1024 * 1024
