import type { RunEvent } from '../event.ts'
import { claudeResult } from './claude-result.ts'

/**
 * Claude Code's own message as one line, as `claude -p --output-format stream-json` prints it; null for
 * events that are ours. `partial`: also the pieces of messages. A run that ended without a result gets
 * one, for readers wait for it.
 */
export function renderStreamJson(event: RunEvent, options: { partial: boolean }): string | null {
  switch (event.kind) {
    case 'claude':
      if (event.message.type === 'stream_event' && !options.partial) return null
      // How the runner and Claude Code talk with each other.
      if (event.message.type.startsWith('control_')) return null
      return JSON.stringify(event.message)
    case 'ended':
      return event.result.claude ? null : JSON.stringify(claudeResult(event.result))
    case 'started':
    case 'notice':
    case 'question':
    case 'question-closed':
      return null
    default:
      return event satisfies never
  }
}
