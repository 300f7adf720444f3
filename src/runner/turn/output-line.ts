import { terminalLine } from '../../base/terminal-text.ts'
import type { Line } from '../../files/lines.ts'

export type Json = Record<string, unknown>

export type OutputLine =
  | { kind: 'message' | 'control'; message: Json; text: string }
  | { kind: 'notice'; text: string }

/** Parses a line of claude's stdout. Returns a notice for a line that is not a message. */
export function parseLine(line: Line): OutputLine {
  if (line.kind === 'too-long') {
    return { kind: 'notice', text: `skipped a message of ${line.bytes} bytes: it is too long` }
  }
  if (line.kind === 'not-utf8') {
    return { kind: 'notice', text: `skipped a line of ${line.bytes} bytes that is not UTF-8` }
  }
  let message: unknown
  try {
    message = JSON.parse(line.text)
  } catch {}
  if (typeof message !== 'object' || message === null || !('type' in message)) {
    return { kind: 'notice', text: `not a message: ${terminalLine(line.text, 300)}` }
  }
  if (typeof message.type !== 'string') return { kind: 'notice', text: 'a message without a type' }
  const isControl = /^(control_|keep_alive)/.test(message.type)
  return { kind: isControl ? 'control' : 'message', message: message as Json, text: line.text }
}
