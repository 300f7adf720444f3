import * as z from 'zod'
import { renderDuration } from '../../base/duration.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { RunEvent, RunEventBody } from '../../run/result.ts'
import type { ClaudeMessage } from '../../run/runner-protocol.ts'
import { addTokens, noTokens, type Tokens } from '../../usage/entry.ts'
import { costUsd } from '../../usage/prices.ts'
import type { OutputFormat } from './output-format.ts'

const count = z.number().default(0)
const Started = z.object({
  message: z.object({
    id: z.string(),
    model: z.string().default(''),
    usage: z.object({
      input_tokens: z.number(),
      cache_creation_input_tokens: count,
      cache_read_input_tokens: count,
    }),
    content: z.array(z.unknown()).default([]),
  }),
})
const Delta = z.object({
  event: z.object({
    type: z.literal('message_delta'),
    usage: z.object({ output_tokens: z.number() }),
  }),
})
const ToolUse = z.object({
  type: z.literal('tool_use'),
  name: z.string(),
  input: z.record(z.string(), z.unknown()).default({}),
})
const Retry = z.object({ subtype: z.literal('api_retry'), attempt: z.number() })
const Result = z.object({ type: z.literal('result'), total_cost_usd: z.number() })

const usual = { fast: false, unitedStates: false }

/** Tracks the activity and usage of a run from its messages. The texts are not yet sanitised for a terminal. */
export function createFigures() {
  let doing = 'waiting for the model'
  /** Claude Code's own total, which comes at the end. */
  let cost: number | null = null
  /** Claude Code repeats an answer's usage with each block, and reports its output tokens at the end. */
  const answers = new Map<string, { model: string; tokens: Tokens }>()
  let latest = ''

  const estimated = () => {
    let sum = 0
    for (const { model, tokens } of answers.values()) {
      const price = costUsd(model, tokens, usual)
      if (price === null) return null
      sum += price
    }
    return sum
  }

  return {
    /** Takes a message; returns whether there is something new to show. */
    add(message: ClaudeMessage): boolean {
      const delta = Delta.safeParse(message)
      const answer = answers.get(latest)
      if (delta.success && answer) {
        answer.tokens.output = delta.data.event.usage.output_tokens
        return true
      }
      const retry = Retry.safeParse(message)
      if (retry.success) {
        doing = `the model API did not respond, attempt ${retry.data.attempt}`
        return true
      }
      const result = Result.safeParse(message)
      if (result.success) {
        cost = result.data.total_cost_usd
        return true
      }
      const started = message.type === 'assistant' ? Started.safeParse(message) : null
      if (!started?.success) return false
      const { id, model, usage, content } = started.data.message
      latest = id
      const output = answers.get(id)?.tokens.output ?? 0
      answers.set(id, { model, tokens: { ...tokensOf(usage), output } })
      const uses = content.map(block => ToolUse.safeParse(block)).findLast(use => use.success)
      doing = uses?.data ? describeToolUse(uses.data) : 'answering'
      return true
    },

    doing: () => doing,

    spent(): string[] {
      const { input, cacheWrite5m, cacheRead, output } = [...answers.values()]
        .map(({ tokens }) => tokens)
        .reduce(addTokens, noTokens)
      const all = input + cacheWrite5m + cacheRead + output
      const usd = cost ?? estimated()
      if (all === 0) return []
      return [`${renderTokens(all)} tokens`, ...(usd === null ? [] : [`$${usd.toFixed(4)}`])]
    },
  }
}

/** One-hour cache writes cost more and are not reported here; the total at the end of the run corrects it. */
function tokensOf(usage: z.infer<typeof Started>['message']['usage']): Tokens {
  return {
    ...noTokens,
    input: usage.input_tokens,
    cacheWrite5m: usage.cache_creation_input_tokens,
    cacheRead: usage.cache_read_input_tokens,
  }
}

/** Renders the tool's name and the main value of its input: a command, a file, a pattern. */
export function describeToolUse({ name, input }: Omit<z.infer<typeof ToolUse>, 'type'>): string {
  const { command, file_path, pattern, url, description } = input
  const what = [command, file_path, pattern, url, description].find(
    value => typeof value === 'string',
  )
  return what === undefined ? name : `${name}: ${what}`
}

function renderTokens(count: number) {
  if (count < 1_000) return `${count}`
  return count < 1_000_000 ? `${(count / 1_000).toFixed(1)}k` : `${(count / 1e6).toFixed(2)}M`
}

/**
 * Shows a run on stderr: its notices as warnings, and on a terminal its activity and usage, unless the
 * terminal is where its stream goes.
 */
export function createDisplay(
  { quiet, format }: { quiet: boolean; format: OutputFormat },
  warn: (text: string) => void,
) {
  if (quiet) return { event() {}, stop() {}, sum() {} }
  const streams = format === 'stream-json' && process.stdout.isTTY === true
  const progress = process.stderr.isTTY === true && !streams ? createProgress(process.stderr) : null
  return {
    event(event: RunEvent) {
      if (event.kind === 'notice') {
        progress?.clear()
        warn(terminalLine(event.text, 300))
      } else if (event.kind === 'question') {
        progress?.pause()
      } else {
        progress?.event(event)
      }
    },
    stop: () => progress?.stop(),
    sum: () => progress?.sum(),
  }
}

/** Shows a run's activity on one live line of a terminal, and at its end a permanent line with its usage. */
export function createProgress(stream: NodeJS.WriteStream, now: () => number = Date.now) {
  const started = now()
  const figures = createFigures()
  let paused = false
  const used = () => [renderDuration((now() - started) / 1000), ...figures.spent()]
  const draw = () => {
    if (paused) return
    const figuresLine = ` · ${used().join(' · ')}`
    // Truncate the activity rather than the cost.
    const room = Math.max(20, (stream.columns || 80) - 3)
    const doing = terminalLine(figures.doing(), Math.max(10, room - figuresLine.length))
    stream.write(`\r\x1b[K… ${`${doing}${figuresLine}`.slice(0, room)}`)
  }
  const clear = () => void stream.write('\r\x1b[K')
  const timer = setInterval(draw, 1_000)
  draw()
  return {
    event(event: RunEventBody) {
      if (event.kind === 'question-closed') paused = false
      if (event.kind !== 'claude') return
      if (figures.add(event.message)) draw()
    },
    clear,
    /** Pauses until the question is closed, because the user is typing. */
    pause() {
      paused = true
      clear()
    },
    stop() {
      clearInterval(timer)
      clear()
    },
    /** Prints the usage. Call it after `stop`, and after the answer. */
    sum: () => void stream.write(`${used().join(' · ')}\n`),
  }
}
