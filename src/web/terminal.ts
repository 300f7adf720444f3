import type { WebSocket } from 'ws'
import { parseJson } from '../base/json.ts'
import type { TerminalSize } from '../engine/terminal-exec.ts'
import type { TerminalStream } from '../engine/terminal-stream.ts'
import { describeError } from './errors.ts'
import type { WebLimits } from './limits.ts'
import { ResizeMessage, type TerminalEnd } from './messages.ts'
import type { WebSources } from './sources.ts'

type TerminalParts = {
  sources: Pick<WebSources, 'openTerminal' | 'afterTerminal'>
  limits: WebLimits
  calledAs: string
  stack: string
  size: TerminalSize
}

/**
 * Joins a websocket with the terminal of a stack: binary messages are keys and output, text messages the size and
 * the end. Each side waits for a slow other one, so that neither fills the memory.
 */
export function serveTerminal(socket: WebSocket, parts: TerminalParts): void {
  const { sources, limits, stack, calledAs } = parts
  let size = parts.size
  let terminal: TerminalStream | null = null
  const typed: Buffer[] = []
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      if (terminal) type(socket, terminal, data, limits)
      else typed.push(data)
      // Until the terminal is there, one message may wait.
      if (!terminal) socket.pause()
      return
    }
    const wanted = ResizeMessage.safeParse(parseJson(String(data)))
    if (!wanted.success) return socket.close(1008, 'malformed message')
    size = wanted.data
    terminal?.resize(size)
  })
  socket.once('close', () => terminal?.stream.destroy())

  const run = async () => {
    terminal = await sources.openTerminal(stack, size)
    const { stream } = terminal
    // The page left in the meantime.
    if (socket.readyState !== socket.OPEN) return void stream.destroy()
    terminal.resize(size)
    for (const data of typed.splice(0)) type(socket, terminal, data, limits)
    socket.resume()
    const failure = await pump(stream, socket, limits)
    const notices = await sources.afterTerminal(stack).catch(() => [])
    const status = await terminal.exitStatus().catch(() => null)
    end({ status, notices, error: failure && describeError(failure, calledAs).body.error })
  }
  const end = (result: Omit<TerminalEnd, 'ended'>) => {
    if (socket.readyState !== socket.OPEN) return
    socket.send(JSON.stringify({ ended: true, ...result } satisfies TerminalEnd))
    socket.close(1000)
  }
  run().catch((error: unknown) => {
    terminal?.stream.destroy()
    const { error: text, hint } = describeError(error, calledAs).body
    end({ status: null, notices: hint === null ? [] : [hint], error: text })
  })
}

/** Passes output on until it ends; resolves with the failure that ended it, or null. */
function pump(stream: TerminalStream['stream'], socket: WebSocket, limits: WebLimits) {
  return new Promise<Error | null>(resolve => {
    let failure: Error | null = null
    stream.on('data', (chunk: Buffer) => {
      socket.send(chunk, () => {
        if (socket.bufferedAmount <= limits.terminalBytes / 2) stream.resume()
      })
      if (socket.bufferedAmount > limits.terminalBytes) stream.pause()
    })
    stream.once('error', error => {
      failure = error
    })
    stream.once('end', () => stream.destroy())
    stream.once('close', () => resolve(failure))
  })
}

function type(socket: WebSocket, { stream }: TerminalStream, keys: Buffer, limits: WebLimits) {
  if (stream.destroyed || stream.writableEnded) return
  stream.write(keys)
  if (stream.writableLength <= limits.inputBytes) return
  socket.pause()
  stream.once('drain', () => socket.resume())
}
