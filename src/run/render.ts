import { oneLineJson } from '../base/json.ts'
import { camelKeys, type JsonKeys } from './camel-keys.ts'
import { apiStatusOf, describeFailure } from './failure.ts'
import type { RunEventBody, RunResult } from './result.ts'

/** Returns the text of the answer; null when there is none. */
export function renderText(result: RunResult): string | null {
  if (result.status !== 'succeeded' || !result.claude) return null
  const { result: text, structured_output: structured } = result.claude
  if (structured !== undefined) return JSON.stringify(structured)
  return typeof text === 'string' ? text : null
}

/** Returns Claude Code's result object on one line. */
export function renderJson(result: RunResult, keys: JsonKeys = 'claude'): string {
  return spelt(claudeResult(result), keys)
}

/** Returns the result object with its turns and its system message, on one line. */
export function renderJsonVerbose(result: RunResult, keys: JsonKeys = 'claude'): string {
  const { turns, system } = result
  return spelt({ ...claudeResult(result), turns, system }, keys)
}

/**
 * Returns Claude Code's own message as one line, as `claude -p --output-format stream-json` prints it;
 * null for our own events. `partial` includes partial messages. A run that ended without a result
 * gets one, because readers wait for it.
 */
export function renderStreamJson(
  event: RunEventBody,
  options: { partial: boolean; keys?: JsonKeys },
): string | null {
  switch (event.kind) {
    case 'claude':
      if (event.message.type === 'stream_event' && !options.partial) return null
      // Control messages are between the runner and Claude Code.
      if (event.message.type.startsWith('control_')) return null
      return spelt(event.message, options.keys)
    case 'ended':
      return event.result.claude ? null : spelt(claudeResult(event.result), options.keys)
    case 'started':
    case 'notice':
    case 'question':
    case 'question-closed':
      return null
    default:
      return event satisfies never
  }
}

function spelt(value: unknown, keys: JsonKeys = 'claude'): string {
  return oneLineJson(keys === 'camel' ? camelKeys(value) : value)
}

/** Returns Claude Code's result object unchanged. A run without one gets an object of the same form. */
function claudeResult(result: RunResult): Record<string, unknown> {
  if (result.claude) return result.claude
  return {
    type: 'result',
    subtype: 'error_during_execution',
    is_error: true,
    api_error_status: result.error && apiStatusOf(result.error),
    session_id: result.sessionId,
    total_cost_usd: result.costUsd ?? 0,
    duration_ms: Date.parse(result.endedAt) - Date.parse(result.startedAt),
    num_turns: result.turns.filter(({ role }) => role === 'assistant').length,
    terminal_reason: result.status,
    result: result.error ? describeFailure(result.error) : '',
  }
}
