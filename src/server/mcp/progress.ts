import type { ServerContext } from '@modelcontextprotocol/server'
import { isRecord } from '../../base/json.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { RunEvent } from '../../run/result.ts'

/** Two notifications are at least this far apart; what comes between is not told. */
const pauseMilliseconds = 1_000

/** Interval in which a client hears that a silent run goes on. */
const aliveMilliseconds = 10_000

export type Progress = { tell: (event: RunEvent) => void; stop: () => void }

/** Tells a client that asked for progress what its run does. */
export function createProgress(ctx: ServerContext): Progress {
  const progressToken = ctx.mcpReq._meta?.progressToken
  if (progressToken === undefined) return { tell() {}, stop() {} }
  const began = performance.now()
  let told = Number.NEGATIVE_INFINITY
  let progress = 0

  const send = (message: string) => {
    told = performance.now()
    progress++
    const params = { progressToken, progress, message }
    ctx.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {})
  }
  const timer = setInterval(() => {
    if (performance.now() - told < aliveMilliseconds) return
    send(`running for ${Math.round((performance.now() - began) / 1_000)} s`)
  }, aliveMilliseconds)

  return {
    tell(event) {
      // The first one names the run, for a client that loses its connection.
      const isFirst = event.kind === 'started' && progress === 0
      if (!isFirst && performance.now() - told < pauseMilliseconds) return
      const message = describe(event)
      if (message !== null) send(terminalLine(message, 200))
    },
    stop: () => clearInterval(timer),
  }
}

/** Returns what an event says to a person who waits; null for nothing. */
function describe(event: RunEvent): string | null {
  switch (event.kind) {
    case 'started':
      return `run ${event.runId} started`
    case 'notice':
      return event.text
    case 'claude':
      return event.message.type === 'assistant' ? describeTurn(event.message.message) : null
    case 'question':
    case 'question-closed':
    case 'ended':
      return null
    default:
      return event satisfies never
  }
}

function describeTurn(message: unknown): string | null {
  if (!isRecord(message) || !Array.isArray(message.content)) return null
  const block: unknown = message.content.at(-1)
  if (!isRecord(block)) return null
  if (block.type === 'tool_use') return `uses ${block.name}`
  return block.type === 'text' && typeof block.text === 'string' ? block.text : null
}
