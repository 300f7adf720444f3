import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCollector, type RunEnding } from '../../../src/run/collect.ts'
import type { RunResult } from '../../../src/run/result.ts'
import { ClaudeMessage } from '../../../src/run/runner-protocol.ts'

/** What the real Claude Code said (tests/support/transcripts/record.ts). */
export function transcript(name: string): ClaudeMessage[] {
  const path = join(import.meta.dirname, `../../fixtures/transcripts/${name}.ndjson`)
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map(line => ClaudeMessage.parse(JSON.parse(line)))
}

export const endedWell: RunEnding = {
  kind: 'ended',
  outcome: 'completed',
  exitCode: 0,
  signal: null,
  swept: 0,
}

/** The result of a run that went as the transcript says. */
export function resultOf(name: string, ending: RunEnding = endedWell): RunResult {
  const collector = createCollector({
    runId: '0123456789abcdef',
    workspace: '/workspace',
    startedAt: '2026-11-21T10:00:00.000Z',
    timeoutSeconds: 600,
  })
  collector.started({ sessionId: 'a-session', meter: 'a-meter' })
  for (const message of transcript(name)) collector.add(message)
  return collector.result(ending, '2026-11-21T10:00:02.000Z')
}
