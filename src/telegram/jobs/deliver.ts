import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { terminalLine } from '../../base/terminal-text.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { Messages, SayOptions, Spot } from '../bot-api/messages.ts'
import type { Sent } from '../bot-api/sender.ts'
import { openSentFile } from '../sent-files.ts'
import type { AnswerPart } from './answer.ts'

/** Milliseconds before a part is sent again that Telegram did not take for now. */
const againMilliseconds = 60_000

/**
 * Sends the parts of an answer in their order, from the first that was not sent. Returns false when the server stops
 * before the last one: the rest is sent after the next start.
 *
 * @param options.onSent is told the number of parts that are done, after each
 */
export async function deliver(options: {
  messages: Pick<Messages, 'sendFormatted' | 'document' | 'file'>
  spot: Spot
  replyTo: number | undefined
  parts: readonly AnswerPart[]
  from: number
  /** Real path of the workspace, from which files are sent. */
  folder: string | null
  /** The same folder, as the worker names it. */
  workerPath: string
  onSent: (count: number) => void
  signal: AbortSignal
  /** For tests. */
  pause?: number
}): Promise<boolean> {
  const { parts, from, onSent, signal, pause = againMilliseconds } = options
  // While Telegram is away, each answer that waits listens to the stop of the server.
  setMaxListeners(0, signal)
  for (const [index, part] of parts.entries()) {
    if (index < from) continue
    // The first one answers the message that asked.
    const more = index === 0 ? { replyTo: options.replyTo } : {}
    for (;;) {
      if (signal.aborted) return false
      const sent = await sendPart(options, part, more)
      if (!isForNow(sent)) break
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
    onSent(index + 1)
  }
  return true
}

/**
 * Returns whether a part may be taken later: Telegram is away or asks for a pause, the token was revoked and the next
 * start has another one, or too much waits in the chat.
 */
function isForNow(sent: Sent<number>): boolean {
  if (sent.kind !== 'failed') return sent.kind === 'dropped'
  return ['unavailable', 'too-many', 'token'].includes(sent.failure.kind)
}

async function sendPart(
  { messages, spot, folder, workerPath }: Parameters<typeof deliver>[0],
  part: AnswerPart,
  more: SayOptions,
): Promise<Sent<number>> {
  switch (part.kind) {
    case 'text':
      return messages.sendFormatted(spot, part.message, more)
    case 'document':
      return messages.document(spot, part.name, part.text, more)
    case 'file': {
      const told = (reason: string) => {
        const text = `${terminalLine(part.path, 200)} was not sent: ${terminalLine(reason, 300)}`
        return messages.sendFormatted(spot, { text, entities: [] }, more)
      }
      if (folder === null) return told('its workspace is not known')
      let problem: string | null = null
      const open = async () => {
        try {
          return await openSentFile({ workspace: folder, workerPath, path: part.path })
        } catch (error) {
          problem = error instanceof HttpError ? error.message : 'it cannot be read'
          throw error
        }
      }
      const sent = await messages.file(spot, open, more)
      if (sent.kind === 'failed' && problem !== null) return told(problem)
      if (sent.kind === 'failed' && sent.failure.kind === 'refused')
        return told('Telegram refused it')
      return sent
    }
    default:
      return part satisfies never
  }
}
