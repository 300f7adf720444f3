import { randomUUID } from 'node:crypto'
import type { ClaudeProcess } from '../claude/process.ts'
import { forceEnd } from '../ending/ladder.ts'
import type { Ended, StopReason } from './turn.ts'

/** Characters of the output that are kept; the rest is read and dropped. */
const outputCharacters = 256 * 1024

/**
 * Runs one command in bash, and reports its output as a result in Claude Code's form, so that it is stored and shown
 * like every run. When it returns, nothing of the command is left.
 */
export async function runShell(options: {
  bash: ClaudeProcess
  command: string
  /** Takes one line of JSON; returns when the reader took it. */
  emit: (line: string) => Promise<void>
  /** Settles when the run has to end early. */
  stop: Promise<StopReason>
}): Promise<Ended> {
  const { bash, command, emit, stop } = options
  const began = performance.now()
  let output = ''
  let dropped = 0
  const take = (text: string) => {
    if (output.length + text.length < outputCharacters) output += `${text}\n`
    else dropped += text.length + 1
  }
  bash.onLine = line =>
    take(line.kind === 'line' ? line.text : `(a line of ${line.bytes} bytes is left out)`)
  bash.onStderr = text => take(text.trimEnd())
  bash.write(command)
  bash.endInput()
  const first = await Promise.race([
    bash.ended.then(exit => ({ exit })),
    stop.then(reason => ({ reason })),
  ])
  if ('reason' in first) {
    return { kind: 'ended', outcome: first.reason, ...(await forceEnd(bash)) }
  }
  const { exit } = first
  const notes = [
    ...(dropped > 0 ? [`(${dropped} further characters)`] : []),
    ...(exit.signal !== null ? [`(ended by signal ${exit.signal})`] : []),
    ...(exit.exitCode !== 0 && exit.exitCode !== null ? [`(exit code ${exit.exitCode})`] : []),
  ]
  const message = {
    type: 'result',
    subtype: 'success',
    is_error: false,
    result: [output.trimEnd(), ...notes].join('\n').trim(),
    session_id: randomUUID(),
    duration_ms: Math.round(performance.now() - began),
    total_cost_usd: 0,
  }
  await emit(JSON.stringify({ kind: 'claude', message }))
  return { kind: 'ended', outcome: 'completed', ...exit }
}
