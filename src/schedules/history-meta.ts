import { type RunMeta, workspaceSlug } from '../config/schedule-history.ts'
import type { RunStatus } from '../run/result.ts'
import { workerRoot } from '../tenants/workspace.ts'

/** What is kept of a run, in the content of meta.json. Times are ISO 8601. */
export type HistoryMeta = {
  job: string
  /** Below the folder of the tenant; empty for that folder. */
  workspace: string
  tenant: string | null
  token: string | null
  runId: string | null
  sessionId: string | null
  schedule: string
  timezone: string
  /** When it was due; null for a run that was asked for. */
  dueAt: string | null
  startedAt: string
  endedAt: string | null
  /** `running`, the status of a run, or `refused`. */
  status: string
  exitCode: number | null
  /** Whether it made up for fires that a downtime missed. */
  catchUp: boolean
  costUsd: number | null
  /** The failure; null without one. */
  error: string | null
  answer: string
  /** What the job asked for, with its templates filled in. */
  asked: {
    model: string | null
    effort: string | null
    instruction: string
    systemPrompt: string | null
    appendSystemPrompt: string | null
  }
  telegramChatId: number | null
}

/** The exit code of Claude Code as claudebox would see it: -1 without an end of its own. */
export const exitCodes: Record<RunStatus, number> = {
  succeeded: 0,
  failed: 1,
  'timed-out': 124,
  cancelled: 130,
  interrupted: -1,
}

/** Returns the folder of a workspace's runs, as one name. */
export function slugOf(workspace = ''): string {
  return workspaceSlug(pathOf(workspace))
}

function pathOf(workspace: string): string {
  return workspace === '' ? workerRoot : `${workerRoot}/${workspace}`
}

/** Returns the content of meta.json. */
export function metaFile(meta: HistoryMeta): RunMeta {
  const { asked } = meta
  return {
    ...{ name: meta.job, schedule: meta.schedule, model: asked.model, effort: asked.effort },
    instruction: asked.instruction,
    system_prompt: asked.systemPrompt,
    append_system_prompt: asked.appendSystemPrompt,
    ...{ workspace: pathOf(meta.workspace), workspace_slug: slugOf(meta.workspace) },
    ...{ started_at: meta.startedAt, finished_at: meta.endedAt },
    ...{ exit_code: meta.exitCode, error: meta.error, telegram_chat_id: meta.telegramChatId },
    ...{ status: meta.status, catch_up: meta.catchUp, due_at: meta.dueAt, timezone: meta.timezone },
    ...{ run_id: meta.runId, session_id: meta.sessionId, cost_usd: meta.costUsd },
    ...{ tenant: meta.tenant, token: meta.token, result: meta.answer },
  }
}

/** Reads the content of meta.json. */
export function metaOf(file: RunMeta): HistoryMeta {
  return {
    ...{ job: file.name, workspace: file.workspace.slice(workerRoot.length + 1) },
    ...{ tenant: file.tenant, token: file.token, runId: file.run_id, sessionId: file.session_id },
    ...{ schedule: file.schedule, timezone: file.timezone, dueAt: file.due_at },
    ...{ startedAt: file.started_at, endedAt: file.finished_at, status: file.status },
    ...{ exitCode: file.exit_code, catchUp: file.catch_up, costUsd: file.cost_usd },
    ...{ error: file.error, answer: file.result, telegramChatId: file.telegram_chat_id },
    asked: {
      ...{ model: file.model, effort: file.effort, instruction: file.instruction },
      systemPrompt: file.system_prompt,
      appendSystemPrompt: file.append_system_prompt,
    },
  }
}
