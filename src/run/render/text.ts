import type { RunResult } from '../result.ts'

/** The answer's text; null when there is none, for a failure is told elsewhere. */
export function renderText(result: RunResult): string | null {
  if (result.status !== 'succeeded' || !result.claude) return null
  const { result: text, structured_output: structured } = result.claude
  if (structured !== undefined) return JSON.stringify(structured)
  return typeof text === 'string' ? text : null
}
