import type { RunResult } from '../result.ts'
import { claudeResult } from './claude-result.ts'

/** Claude Code's result object, on one line. */
export function renderJson(result: RunResult): string {
  return JSON.stringify(claudeResult(result))
}
