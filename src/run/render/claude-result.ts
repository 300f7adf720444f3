import type { RunResult } from '../result.ts'

/** Claude Code's result object as it wrote it. For a run that has none, one of its form that says why. */
export function claudeResult(result: RunResult): Record<string, unknown> {
  if (result.claude) return result.claude
  return {
    type: 'result',
    subtype: 'error_during_execution',
    is_error: true,
    api_error_status: result.error?.apiErrorStatus ?? null,
    session_id: result.sessionId,
    total_cost_usd: result.costUsd ?? 0,
    duration_ms: Date.parse(result.endedAt) - Date.parse(result.startedAt),
    num_turns: result.turns.filter(({ role }) => role === 'assistant').length,
    terminal_reason: result.status,
    result: result.error?.message ?? '',
  }
}
