import type { RunResult } from '../result.ts'
import { claudeResult } from './claude-result.ts'

/** The result object, and with it what was said and done on the way, on one line. */
export function renderJsonVerbose(result: RunResult): string {
  const { turns, system } = result
  return JSON.stringify({ ...claudeResult(result), turns, system })
}
