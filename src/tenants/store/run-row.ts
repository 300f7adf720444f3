import * as z from 'zod'
import { parseJson } from '../../base/json.ts'
import { StoredFailure } from '../../run/failure.ts'
import { RunResult, RunStatus } from '../../run/result.ts'
import { StoredQuestion } from '../../run/store/run-files.ts'
import type { RunRecord, RunSummary } from '../../run/store/store.ts'

/** The columns of a run without its result. */
export const summaryColumns =
  'id, run_id, workspace, started_at, prompt, model, owner, surface, idempotency_key, request_digest, state, question, ended_at, session_id, cost_usd, error'

const inProgress = ['running', 'waiting'] as const

const jsonOf = <T>(schema: z.ZodType<T>) =>
  z
    .string()
    .nullable()
    .transform(text => {
      const parsed = text === null ? null : schema.safeParse(parseJson(text))
      return parsed?.success ? parsed.data : null
    })

const Row = z.object({
  id: z.number(),
  run_id: z.string(),
  workspace: z.string(),
  started_at: z.string(),
  prompt: z.string(),
  model: z.string().nullable(),
  owner: z.string().nullable(),
  surface: z.string(),
  idempotency_key: z.string().nullable(),
  request_digest: z.string().nullable(),
  state: z.enum([...inProgress, ...RunStatus.options]),
  question: jsonOf(StoredQuestion),
  ended_at: z.string().nullable(),
  session_id: z.string().nullable(),
  cost_usd: z.number().nullable(),
  error: jsonOf(StoredFailure),
})
export type RunRow = { id: number; record: RunRecord; summary: RunSummary; isInProgress: boolean }

export function parseRow(row: unknown): RunRow {
  const { id, ...columns } = Row.parse(row)
  const { state, question } = columns
  const record: RunRecord = {
    runId: columns.run_id,
    workspace: columns.workspace,
    startedAt: columns.started_at,
    prompt: columns.prompt,
    model: columns.model,
    owner: columns.owner,
    surface: columns.surface,
    idempotencyKey: columns.idempotency_key,
    requestDigest: columns.request_digest,
  }
  const isInProgress = inProgress.some(value => value === state)
  return {
    id,
    record,
    isInProgress,
    summary: {
      ...record,
      state,
      endedAt: columns.ended_at,
      sessionId: columns.session_id,
      costUsd: columns.cost_usd,
      error: columns.error,
      question: isInProgress ? question : null,
    },
  }
}

/** Returns the stored result; null when there is none, or none that can be read. */
export function parseResult(text: unknown): RunResult | null {
  if (typeof text !== 'string') return null
  const parsed = RunResult.safeParse(parseJson(text))
  return parsed.success ? parsed.data : null
}
