import { randomBytes } from 'node:crypto'
import { createDeferred } from '../../base/async.ts'
import { oneLineJson } from '../../base/json.ts'
import { terminalLine, terminalText } from '../../base/terminal-text.ts'
import type { ClientTool, ToolResult } from '../../run/client-tools.ts'
import type { Answers } from '../../run/question.ts'
import type { RunnerEvent } from '../../run/runner-protocol.ts'
import type { ClaudeProcess, Exit } from '../claude/process.ts'
import { endGracefully, forceEnd, isCrowded, within } from '../ending/ladder.ts'
import { createRetryLimit } from '../ending/retry-limit.ts'
import { createClientTools } from './client-tools.ts'
import { ownTotals, type Totals } from './cost.ts'
import { createLaterWork, type Json, parseLine } from './output.ts'
import { createQuestions } from './questions.ts'

/** Values of `terminal_reason` for a turn that an interrupt ended. */
const aborted = new Set<unknown>(['aborted_streaming', 'aborted_tools'])

/** Ends a turn by a request on claude's stdin, and keeps the process. Measured: under 0.1 s. */
export function createInterrupt(write: (text: string) => void) {
  const id = `interrupt-${randomBytes(8).toString('hex')}`
  const answer = createDeferred<boolean>()
  return {
    send() {
      const request = { subtype: 'interrupt' }
      write(`${oneLineJson({ type: 'control_request', request_id: id, request })}\n`)
    },

    /** Takes a control message from claude. */
    take({ type, response }: Json) {
      if (type !== 'control_response') return
      const { request_id, subtype, response: result } = (response ?? {}) as Json
      if (request_id !== id) return
      const queued = (result as Json | undefined)?.still_queued
      answer.resolve(subtype === 'success' && Array.isArray(queued) && queued.length === 0)
    },

    /** Resolves with true when claude confirmed the interrupt and no other turn waits. */
    confirmed: answer.promise,
  }
}

/** Returns whether the turn of this result ended, and not with an error that may still be retried. */
export function hasEndedTurn(result: Json): boolean {
  return result.is_error === false || aborted.has(result.terminal_reason)
}

export type Ended = Extract<RunnerEvent, { kind: 'ended' }>
export type StopReason = 'cancelled' | 'timed-out'

/** Answers the open question of a turn; false when it is not open. */
export type Answer = (id: string, answers: Answers | null) => boolean

/** Gives claude the result of a call of the client's tools. */
export type Deliver = (result: ToolResult) => boolean

const maxNotices = 100
const noticeLength = 2_000
const stderrKept = 2_000
/** Timeout of an interrupt in milliseconds. Together with the ladder it stays below 5 s. */
const interruptMilliseconds = 500

export type InterruptLimits = {
  milliseconds: number
  /** Returns whether claude hardly gets to run, so that an interrupt would only cost time. */
  isCrowded: () => boolean
}
const defaultLimits: InterruptLimits = { milliseconds: interruptMilliseconds, isCrowded }

export type TurnOptions = {
  claude: ClaudeProcess
  /** The prompt's line for its stdin. */
  input: string
  /** Takes one line of JSON; returns when the reader took it. */
  emit: (line: string) => Promise<void>
  /** Settles when the run has to end early. */
  stop: Promise<StopReason>
  /** Totals of the process before this turn. */
  before: Totals
  /** Returns whether the process may be kept for another turn. Called once, when the prompt is written. */
  mayKeep: () => boolean
  /** Whether anyone can answer questions, and the seconds that each waits. */
  asks: boolean
  questionSeconds: number
  interruptLimits?: InterruptLimits | undefined
  clientTools: readonly ClientTool[]
  /** Receives the functions that answer questions and calls, before claude can ask one. */
  onAnswerable: (answer: Answer, deliver: Deliver) => void
}

export type Finished = { ended: Ended; kept: boolean; totals: Totals }

type Step =
  | { kind: 'result'; message: Json }
  | { kind: 'ended'; exit: Exit }
  | { kind: 'stop'; reason: StopReason }
  | { kind: 'gave-up'; error: string }

/** Runs one prompt in one process. When it returns, nothing of the run is left. */
export async function runTurn(options: TurnOptions): Promise<Finished> {
  const { claude, emit, input, stop } = options
  const retryLimit = createRetryLimit()
  const later = createLaterWork()
  const interrupt = createInterrupt(claude.write)
  const questions = createQuestions({
    write: claude.write,
    emit: event => emit(JSON.stringify(event)),
    asks: options.asks,
    seconds: options.questionSeconds,
    onWaiting: retryLimit.hold,
  })
  const tools = createClientTools({
    write: claude.write,
    tools: options.clientTools,
    onWaiting: retryLimit.hold,
  })
  const notice = createNotices(emit)
  const result = createDeferred<Json>()
  let totals = options.before
  let baseline: Set<string> | null = null
  let stderr = ''

  const step = new Promise<Step>(resolve => {
    const take = async (message: Json, text: string) => {
      const error = retryLimit.see(message)
      if (message.type === 'system' && message.subtype === 'init') {
        baseline ??= claude.present()
      }
      later.see(message)
      if (message.type !== 'result') await emit(`{"kind":"claude","message":${text}}`)
      else {
        const own = ownTotals(message, options.before)
        totals = own.totals
        await emit(JSON.stringify({ kind: 'claude', message: own.own }))
        // A queued turn belongs to this run too.
        if (!message.queued_turn_count) result.resolve(message)
      }
      if (error !== null) resolve({ kind: 'gave-up', error })
    }
    claude.onLine = async line => {
      const parsed = parseLine(line)
      if (parsed.kind === 'notice') await notice(parsed.text)
      else if (parsed.kind === 'message') await take(parsed.message, parsed.text)
      else {
        interrupt.take(parsed.message)
        if (!tools.take(parsed.message)) await questions.take(parsed.message)
      }
    }
    claude.onStderr = text => {
      stderr = (stderr + text).slice(-stderrKept)
      for (const line of text.split('\n').filter(line => line.trim())) {
        void notice(`claude on stderr: ${line.slice(0, noticeLength)}`)
      }
    }
    void result.promise.then(message => resolve({ kind: 'result', message }))
    void claude.ended.then(exit => resolve({ kind: 'ended', exit }))
    void stop.then(reason => resolve({ kind: 'stop', reason }))
    options.onAnswerable(questions.answer, tools.deliver)
    claude.write(input)
  })
  const isKeepable = options.mayKeep()

  const first = await step
  questions.close()
  tools.close()
  switch (first.kind) {
    case 'result': {
      if (first.message.is_error !== false || !mayLiveOn() || !baseline) {
        return finish('completed', await endGracefully(claude))
      }
      await claude.settle(baseline)
      const swept = await claude.sweep(baseline)
      // claude would notice that its children are gone, and might report that to the model.
      if (swept > 0) return finish('completed', await endGracefully(claude), undefined, swept)
      return keep('completed')
    }
    case 'ended': {
      const words = terminalLine(stderr.trim(), 500) || 'it printed no reason'
      return finish('failed', first.exit, words)
    }
    case 'stop':
      if (await endsByInterrupt()) return keep(first.reason)
      return finish(first.reason, await forceEnd(claude))
    case 'gave-up':
      return finish('failed', await forceEnd(claude), first.error)
    default:
      return first satisfies never
  }

  function mayLiveOn(): boolean {
    return isKeepable && baseline !== null && !later.isThere() && !claude.hasEnded()
  }

  /**
   * Interrupts the turn. Returns true only when the process is proven to be clean: claude confirmed the
   * interrupt, its turn has ended, no other turn waits, no later work is planned, and no process of the run
   * is left.
   */
  async function endsByInterrupt(): Promise<boolean> {
    const limits = options.interruptLimits ?? defaultLimits
    if (!mayLiveOn() || limits.isCrowded()) return false
    interrupt.send()
    const over = Promise.all([interrupt.confirmed, result.promise.then(hasEndedTurn)])
    const isOver = await within(
      Promise.race([
        over.then(([isConfirmed, hasEnded]) => isConfirmed && hasEnded),
        claude.ended.then(() => false),
      ]),
      limits.milliseconds,
    )
    return isOver && mayLiveOn() && baseline !== null && (await claude.settle(baseline))
  }

  function keep(outcome: Ended['outcome']): Finished {
    const exit = { exitCode: null, signal: null, swept: 0 }
    return { ended: ended(outcome, exit), kept: true, totals }
  }

  function finish(outcome: Ended['outcome'], exit: Exit, error?: string, more = 0): Finished {
    const swept = exit.swept + more
    return { ended: ended(outcome, { ...exit, swept }, error), kept: false, totals }
  }
}

function ended(outcome: Ended['outcome'], exit: Exit, error?: string): Ended {
  return { kind: 'ended', outcome, ...exit, ...(error !== undefined && { error }) }
}

function createNotices(emit: (line: string) => Promise<void>) {
  let count = 0
  return async (text: string) => {
    count++
    if (count > maxNotices) return
    const shown = count === maxNotices ? 'further notices are omitted' : text
    await emit(JSON.stringify({ kind: 'notice', text: terminalText(shown).slice(0, noticeLength) }))
  }
}
