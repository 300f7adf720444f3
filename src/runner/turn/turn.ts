import { terminalLine, terminalText } from '../../base/terminal-text.ts'
import type { Line } from '../../files/lines.ts'
import type { RunnerEvent } from '../../run/runner-protocol.ts'
import type { ClaudeProcess, Ending } from '../claude/process.ts'
import { ownTotals, type Totals } from './cost.ts'
import { bringDown, letEnd } from '../ending/ladder.ts'
import { createPatience } from '../ending/patience.ts'

type Json = Record<string, unknown>
export type Ended = Extract<RunnerEvent, { kind: 'ended' }>
export type StopReason = 'cancelled' | 'timed-out'

const mostNotices = 100
const noticeLength = 2_000
const stderrKept = 2_000

/** Tools that make claude act later, when nobody asked it to: it must not live on after them. */
const actLater = new Set(['CronCreate', 'ScheduleWakeup', 'Monitor', 'Workflow'])

export type RunOptions = {
  claude: ClaudeProcess
  /** What goes to its stdin. */
  input: string
  /** One line of JSON; returns when the reader took it. */
  emit: (line: string) => Promise<void>
  /** Settles when the run is to end early. */
  stop: Promise<StopReason>
  /** Sums of the process before this run. */
  before: Totals
  /** Whether the process may live on for another run. */
  keep: boolean
}

export type Finished = { ended: Ended; kept: boolean; totals: Totals }

type Step =
  | { kind: 'result'; message: Json }
  | { kind: 'ended'; ending: Ending }
  | { kind: 'stop'; reason: StopReason }
  | { kind: 'gave-up'; error: string }

/** One prompt in one process, from its input to the word that nothing of the run is left. */
export async function runPrompt(options: RunOptions): Promise<Finished> {
  const { claude, emit, input, stop } = options
  const patience = createPatience()
  let totals = options.before
  let baseline: Set<string> | null = null
  let mayAct = false
  let notices = 0
  let stderr = ''

  const notice = async (text: string) => {
    notices++
    if (notices > mostNotices) return
    const said = notices === mostNotices ? 'there were more words than these' : text
    await emit(JSON.stringify({ kind: 'notice', text: terminalText(said).slice(0, noticeLength) }))
  }

  const step = new Promise<Step>(resolve => {
    const take = async (message: Json, text: string) => {
      const error = patience.see(message)
      if (message.type === 'system' && message.subtype === 'init') {
        baseline ??= claude.present()
      }
      if (usesToolsThatActLater(message)) mayAct = true
      if (message.type !== 'result') await emit(`{"kind":"claude","message":${text}}`)
      else {
        const own = ownTotals(message, options.before)
        totals = own.totals
        await emit(JSON.stringify({ kind: 'claude', message: own.own }))
        // A turn that waits already belongs to this run too.
        if (!message.queued_turn_count) resolve({ kind: 'result', message })
      }
      if (error !== null) resolve({ kind: 'gave-up', error })
    }
    claude.onLine = async line => {
      const parsed = parseLine(line)
      if (parsed.kind === 'notice') await notice(parsed.text)
      else if (parsed.kind === 'control') answerControl(claude, parsed.message)
      else await take(parsed.message, parsed.text)
    }
    claude.onStderr = text => {
      stderr = (stderr + text).slice(-stderrKept)
      for (const line of text.split('\n').filter(line => line.trim())) {
        void notice(`claude on stderr: ${line.slice(0, noticeLength)}`)
      }
    }
    void claude.ended.then(ending => resolve({ kind: 'ended', ending }))
    void stop.then(reason => resolve({ kind: 'stop', reason }))
    claude.write(input)
  })

  const first = await step
  switch (first.kind) {
    case 'result': {
      const quiet =
        options.keep &&
        !mayAct &&
        baseline &&
        first.message.is_error === false &&
        !claude.hasEnded()
      if (!quiet || !baseline) return finish('completed', await letEnd(claude))
      await claude.settle(baseline)
      const swept = await claude.sweep(baseline)
      // It would notice that its children are gone, and might tell the model.
      if (swept > 0) return finish('completed', await letEnd(claude), undefined, swept)
      return {
        ended: ended('completed', { exitCode: null, signal: null, swept: 0 }),
        kept: true,
        totals,
      }
    }
    case 'ended': {
      const words = terminalLine(stderr.trim(), 500)
      return finish(
        'failed',
        first.ending,
        `claude ended without a result${words ? `: ${words}` : ''}`,
      )
    }
    case 'stop':
      return finish(first.reason, await bringDown(claude))
    case 'gave-up':
      return finish('failed', await bringDown(claude), first.error)
    default:
      return first satisfies never
  }

  function finish(outcome: Ended['outcome'], ending: Ending, error?: string, more = 0): Finished {
    const { swept } = ending
    return { ended: ended(outcome, { ...ending, swept: swept + more }, error), kept: false, totals }
  }
}

function ended(outcome: Ended['outcome'], ending: Ending, error?: string): Ended {
  return { kind: 'ended', outcome, ...ending, ...(error !== undefined && { error }) }
}

type Parsed =
  | { kind: 'message' | 'control'; message: Json; text: string }
  | { kind: 'notice'; text: string }

/** What a line of claude's stdout is. A line that is no message is told of, and ends nothing. */
export function parseLine(line: Line): Parsed {
  if (line.kind === 'too-long') {
    return { kind: 'notice', text: `a message of ${line.bytes} bytes was left out` }
  }
  if (line.kind === 'not-utf8') {
    return { kind: 'notice', text: `a line of ${line.bytes} bytes that is no UTF-8 was left out` }
  }
  let message: unknown
  try {
    message = JSON.parse(line.text)
  } catch {}
  if (typeof message !== 'object' || message === null || !('type' in message)) {
    return { kind: 'notice', text: `a line that is no message: ${terminalLine(line.text, 300)}` }
  }
  const isControl = /^(control_|keep_alive)/.test(String(message.type))
  return typeof message.type !== 'string'
    ? { kind: 'notice', text: 'a message without a type' }
    : { kind: isControl ? 'control' : 'message', message: message as Json, text: line.text }
}

/** claude asks its host for things (a permission, a hook) that no run here can give. */
function answerControl(claude: ClaudeProcess, message: Json) {
  if (message.type !== 'control_request') return
  const response = {
    subtype: 'error',
    request_id: message.request_id,
    error: 'nobody is there to answer',
  }
  claude.write(`${JSON.stringify({ type: 'control_response', response })}\n`)
}

function usesToolsThatActLater(message: Json): boolean {
  if (message.type !== 'assistant') return false
  const content = (message.message as { content?: unknown } | undefined)?.content
  return (
    Array.isArray(content) &&
    content.some(block => block?.type === 'tool_use' && actLater.has(block.name))
  )
}
