import { setTimeout as sleep } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { parseJson } from '../base/json.ts'
import { describeError } from './errors.ts'
import type { WebLimits } from './limits.ts'
import { type CommitsView, type EgressView, type LiveMessage, WatchMessage } from './messages.ts'
import type { WebSources } from './sources.ts'

type LiveParts = { sources: WebSources; limits: WebLimits; calledAs: string }

/** Seconds of the egress log before the page was opened. */
const pastSeconds = 3_600

/** Collects entries for one message: a busy proxy writes thousands of lines in a second. */
const flushMilliseconds = 100

/**
 * Sends the live state to a page: the stacks, and of the stack that it watches the egress log, runs, usage and
 * commits. Only changes are sent. A page that does not read is disconnected, and gets the present state when it comes back.
 */
export function serveLive(socket: WebSocket, parts: LiveParts): void {
  const { sources, limits, calledAs } = parts
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  let watched: AbortController | null = null

  const send = (message: LiveMessage) => {
    if (socket.readyState !== socket.OPEN) return
    // It would not read the farewell either.
    if (socket.bufferedAmount > limits.liveBytes) return socket.terminate()
    socket.send(JSON.stringify(message))
  }
  const sendChanges = createChanges(send)
  const look = (read: () => Promise<LiveMessage>, signal: AbortSignal, every: number) =>
    repeat(signal, every, async () => {
      const message = await read().catch(
        (error: unknown): LiveMessage => ({
          kind: 'trouble',
          text: describeError(error, calledAs).body.error,
        }),
      )
      if (!signal.aborted) sendChanges(message)
    })

  const watch = (stack: string) => {
    watched = new AbortController()
    const signal = AbortSignal.any([gone.signal, watched.signal])
    const { lookMilliseconds: every } = limits
    look(async () => ({ kind: 'runs', stack, runs: await sources.runs(stack) }), signal, every)
    look(
      async () => ({ kind: 'usage', stack, usage: await sources.usage(stack) }),
      signal,
      3 * every,
    )
    followEgress(stack, parts, send, signal)
    const follow = {
      onCommits: (commits: CommitsView) => sendChanges({ kind: 'commits', stack, commits }),
      onTrouble: (text: string) => sendChanges({ kind: 'trouble', text }),
      signal,
    }
    sources.commits(stack, follow).catch((error: unknown) => {
      if (!signal.aborted) follow.onTrouble(describeError(error, calledAs).body.error)
    })
  }
  socket.on('message', data => {
    const message = WatchMessage.safeParse(parseJson(String(data)))
    if (!message.success) return socket.close(1008, 'malformed message')
    watched?.abort()
    watched = null
    sendChanges.forget()
    if (message.data.watch !== null) watch(message.data.watch)
  })
  look(
    async () => ({ kind: 'stacks', stacks: await sources.stacks() }),
    gone.signal,
    limits.lookMilliseconds,
  )
}

/** Sends a message unless the last one of its kind was the same. */
function createChanges(send: (message: LiveMessage) => void) {
  const last = new Map<string, string>()
  const sendChange = (message: LiveMessage) => {
    const text = JSON.stringify(message)
    if (last.get(message.kind) === text) return
    last.set(message.kind, text)
    send(message)
  }
  /** Forgets what was sent of another stack. */
  sendChange.forget = () => {
    last.delete('runs')
    last.delete('usage')
    last.delete('commits')
  }
  return sendChange
}

function followEgress(
  stack: string,
  { sources, limits }: LiveParts,
  send: (message: LiveMessage) => void,
  signal: AbortSignal,
) {
  let entries: EgressView[] = []
  let leftOut = 0
  let since = Date.now() / 1000 - pastSeconds
  const flush = async () => {
    if (entries.length === 0 && leftOut === 0) return
    const message = { kind: 'egress', stack, entries, leftOut } as const
    entries = []
    leftOut = 0
    send(message)
  }
  const onEntry = (entry: EgressView) => {
    // The log is followed again after a restart, and must not repeat what came before.
    since = Math.max(since, entry.at + 0.001)
    entries.push(entry)
    if (entries.length <= limits.entries) return
    entries.shift()
    leftOut++
  }
  const onLeftOut = (count: number) => {
    leftOut += count
  }
  // The log ends with its proxy, and goes on with the next one.
  repeat(signal, limits.lookMilliseconds, () =>
    sources.egress(stack, { since, onEntry, onLeftOut, signal }).catch(() => {}),
  )
  repeat(signal, flushMilliseconds, flush)
}

/** Does something again and again until the signal fires; it must not reject. */
function repeat(signal: AbortSignal, every: number, work: () => Promise<void>): void {
  const loop = async () => {
    while (!signal.aborted) {
      await work()
      await sleep(every, undefined, { signal })
    }
  }
  loop().catch(() => {})
}
