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
    return {
      kind: 'notice',
      text: `skipped a line that is not a message: ${terminalLine(line.text, 300)}`,
    }
  }
  if (typeof message.type !== 'string')
    return { kind: 'notice', text: 'skipped a message without a type' }
  const isControl = /^(control_|keep_alive)/.test(message.type)
  return { kind: isControl ? 'control' : 'message', message: message as Json, text: line.text }
}

/** Tools that make claude act later without a prompt: its process must not be kept after them. */
const actLater = new Set<unknown>(['CronCreate', 'ScheduleWakeup', 'Monitor', 'Workflow'])

/** Watches for work that continues in the process after the end of its turn. */
export function createLaterWork() {
  let isPlanned = false
  let isUnderWay = false
  return {
    see(message: Json) {
      if (message.type === 'system' && message.subtype === 'background_tasks_changed') {
        // Anything but an empty list counts as work.
        isUnderWay = !(Array.isArray(message.tasks) && message.tasks.length === 0)
      }
      if (message.type !== 'assistant') return
      const content = (message.message as Json | undefined)?.content
      isPlanned ||=
        Array.isArray(content) &&
        content.some(block => block?.type === 'tool_use' && actLater.has(block.name))
    },
    /** Returns whether claude may act without a prompt. */
    isThere: () => isPlanned || isUnderWay,
  }
}
