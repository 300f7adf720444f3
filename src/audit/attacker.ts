import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../base/json.ts'
import { lastLine } from '../base/terminal-text.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { createLineSplitter } from '../files/lines.ts'
import { terminate } from '../process/exec.ts'
import { type Follow, piecesOf } from './follow.ts'

/** Maximum bytes of one answer of the attacker. */
const answerBytes = 16 * 1024 * 1024

/** One attack, as a JSON line on the stdin of `inside/attack.ts`. `wait` is in milliseconds. */
export type Attack =
  | { op: 'dial'; host: string; port: number; send?: string; until?: string; wait: number }
  | {
      op: 'tunnel'
      host: string
      port: number
      request: string
      follow: readonly string[]
      until?: string
      wait: number
    }
  | { op: 'resolve'; name: string; type: 'A' | 'AAAA' | 'TXT' | 'PTR'; wait: number }
  | { op: 'run'; command: readonly string[]; wait: number }
  | { op: 'read'; path: string }
  | { op: 'open-for-writing'; path: string }
  | { op: 'processes' }
  | { op: 'scan'; host: string; ports: readonly number[]; wait: number }
  | { op: 'hold'; host: string; port: number; count: number; send: string; milliseconds: number }

const error = z.string().optional()
const Dialled = z.object({
  connected: z.boolean().default(false),
  received: z.string().default(''),
  error,
})
const Tunnelled = z.object({ received: z.string().default(''), error })
const Resolved = z.object({ answers: z.array(z.string()).default([]), error })
const Ran = z.object({
  code: z.number().default(-1),
  stdout: z.string().default(''),
  stderr: z.string().default(''),
})
const Read = z.object({ text: z.string().default(''), error })
const OpenedForWriting = z.object({ writable: z.boolean().default(false), error })
const Processes = z.object({
  processes: z.array(
    z.object({
      pid: z.number(),
      command: z.string().nullable(),
      environment: z.string().nullable(),
    }),
  ),
})
const Scanned = z.object({ open: z.array(z.number()) })
const Standing = z.object({ standing: z.number() })
const Answer = z.looseObject({ id: z.number() })

const defaultWait = 3_000
/** Milliseconds added to an attack's own timeout, for a slow container on a busy host. */
const grace = 60_000

/**
 * An attacker in a container: `src/audit/inside/attack.ts`, run as the container's own user. Its
 * reports are data from a container, and may be false if the container is already compromised; the
 * observations of a canary are reliable.
 */
export type Attacker = ReturnType<typeof createAttacker>

export function createAttacker(options: {
  docker: DockerClient
  container: string
  root: string
  signal: AbortSignal
}) {
  const { docker, container, root, signal } = options
  let channel: Promise<Channel> | undefined
  let closed = false
  const ask = async <T>(schema: z.ZodType<T>, attack: Attack) => {
    if (closed) throw new Error('the attacker is closed')
    channel ??= openChannel(docker, container, root, signal)
    const answer = await (await channel).ask(attack, ('wait' in attack ? attack.wait : 0) + grace)
    return schema.parse(answer)
  }
  return {
    container,
    /** Connects, sends latin1 text, and reads the answer, at most up to `until`. */
    dial: (
      host: string,
      port: number,
      more: { send?: string; until?: string; wait?: number } = {},
    ) => ask(Dialled, { op: 'dial', host, port, wait: defaultWait, ...more }),
    /** Sends a request to the proxy, and continues as if the proxy had granted it. */
    tunnel: async (
      request: string,
      follow: Follow,
      more: { host?: string; port?: number; until?: string; wait?: number } = {},
    ) =>
      ask(Tunnelled, {
        op: 'tunnel',
        host: 'proxy',
        port: 3128,
        request,
        follow: await piecesOf(follow),
        wait: defaultWait,
        ...more,
      }),
    resolve: (name: string, type: 'A' | 'AAAA' | 'TXT' | 'PTR' = 'A', wait = defaultWait) =>
      ask(Resolved, { op: 'resolve', name, type, wait }),
    run: (command: readonly string[], wait = 20_000) => ask(Ran, { op: 'run', command, wait }),
    read: (path: string) => ask(Read, { op: 'read', path }),
    /** Returns whether the file can be opened for writing. Writes nothing. */
    openForWriting: (path: string) => ask(OpenedForWriting, { op: 'open-for-writing', path }),
    processes: () => ask(Processes, { op: 'processes' }),
    scan: (host: string, ports: readonly number[], wait = 1_000) =>
      ask(Scanned, { op: 'scan', host, ports, wait }),
    /** Holds half-open connections, which close by themselves. */
    hold: (host: string, port: number, count: number, send: string, milliseconds: number) =>
      ask(Standing, { op: 'hold', host, port, count, send, milliseconds }),
    async close() {
      closed = true
      await (await channel?.catch(() => undefined))?.close()
    },
  }
}

type Channel = Awaited<ReturnType<typeof openChannel>>

/** Starts one process in the container for all attacks: JSON lines in, JSON lines out. */
async function openChannel(
  docker: DockerClient,
  container: string,
  root: string,
  signal: AbortSignal,
) {
  const program = await insideProgram(root, 'attack.ts')
  const child = spawn(
    docker.file,
    ['exec', '--interactive', '--workdir', '/', container, ...nodeCommand, program],
    { cwd: '/', env: docker.env, stdio: ['pipe', 'pipe', 'pipe'] },
  )
  const waiting = new Map<
    number,
    { resolve: (answer: object) => void; reject: (e: Error) => void }
  >()
  let last = ''
  let next = 0
  const fail = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const abort = () => terminate(child)
  signal.addEventListener('abort', abort, { once: true })
  child.stdin.on('error', () => {})
  child.stderr.on('data', (chunk: Buffer) => {
    last = `${last}${chunk}`.slice(-2_000)
  })
  const splitter = createLineSplitter(answerBytes, { lossy: true })
  child.stdout.on('data', (chunk: Buffer) => {
    for (const { text } of splitter.push(chunk)) {
      const answer = Answer.safeParse(parseJson(text))
      if (!answer.success) continue
      waiting.get(answer.data.id)?.resolve(answer.data)
      waiting.delete(answer.data.id)
    }
  })
  const ended = new Promise<void>(resolve => {
    child.once('error', error => {
      fail(error)
      resolve()
    })
    child.once('close', () => {
      signal.removeEventListener('abort', abort)
      fail(new Error(`the attacker in the container ended: ${lastLine(last)}`))
      resolve()
    })
  })
  return {
    ask(attack: object, timeout: number) {
      const id = next++
      return new Promise<object>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(id)
          reject(new Error('the attacker in the container did not answer in time'))
        }, timeout)
        const settle =
          <A>(then: (value: A) => void) =>
          (value: A) => {
            clearTimeout(timer)
            then(value)
          }
        if (child.exitCode !== null || child.signalCode !== null) {
          clearTimeout(timer)
          return reject(new Error(`the attacker in the container ended: ${lastLine(last)}`))
        }
        waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
        child.stdin.write(`${JSON.stringify({ id, ...attack })}\n`)
      })
    },
    async close() {
      child.stdin.end()
      const killer = setTimeout(() => terminate(child), 2_000)
      await ended
      clearTimeout(killer)
    },
  }
}

/** Node.js of the image, owned by root and read-only: the agent cannot replace it. */
export const nodeCommand = [
  '/usr/local/bin/node',
  '--disable-warning=ExperimentalWarning',
  '--input-type=module-typescript',
  '--eval',
]

/** Returns the source of a program for a container. Node.js strips the types there. */
export function insideProgram(root: string, name: 'attack.ts' | 'canary.ts') {
  return readFile(join(root, 'src/audit/inside', name), 'utf8')
}
