/**
 * Runs in a container, as the agent: reads attacks from stdin, one JSON object per line, and writes
 * their results to stdout. Imports only types of this project: `node --eval` gets this one file, and
 * strips its types.
 */
import { spawn } from 'node:child_process'
import { Resolver } from 'node:dns/promises'
import { open, readdir, readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Attack } from '../attacker.ts'

const limit = 256 * 1024

const lines = createInterface({ input: process.stdin })
lines.on('line', async line => {
  const { id, ...attack }: { id: number } & Attack = JSON.parse(line)
  const result = await perform(attack).catch((error: Error) => ({ error: `${error.message}` }))
  process.stdout.write(`${JSON.stringify({ id, ...result })}\n`)
})
lines.on('close', () => process.exit(0))

function perform(attack: Attack): Promise<object> {
  return (attacks[attack.op] as (attack: Attack) => Promise<object>)(attack)
}

type AttackOf<Op extends Attack['op']> = Extract<Attack, { op: Op }>

const attacks: { [Op in Attack['op']]: (attack: AttackOf<Op>) => Promise<object> } = {
  dial,
  tunnel,
  resolve: resolveName,
  run,
  read,
  'open-for-writing': openForWriting,
  processes,
  scan,
  hold,
}

/** Connects, sends, and reads the answer. */
function dial({ send = '', ...to }: AttackOf<'dial'>) {
  return exchange(to, send, [], connected => (connected ? undefined : 'no answer'))
}

/** Sends the follow-up data after any status of the proxy: a verdict by status would trust it. */
function tunnel({ request, follow, ...to }: AttackOf<'tunnel'>) {
  return exchange(to, request, follow, () => 'no answer')
}

/** Ends when the answer contains `until`, when the other side ends, on an error and at the timeout. */
function exchange(
  { host, port, until, wait }: { host: string; port: number; until?: string; wait: number },
  first: string,
  follow: readonly string[],
  timeoutError: (connected: boolean) => string | undefined,
) {
  return new Promise<object>(resolve => {
    const received = collector()
    let connected = false
    const socket = connect({ host, port })
    const end = (error?: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ connected, received: received.text(), ...(error && { error }) })
    }
    const timer = setTimeout(() => afterEvents(() => end(timeoutError(connected))), wait)
    socket.on('error', error => end(codeOf(error)))
    socket.on('close', () => end())
    socket.on('connect', () => {
      connected = true
      socket.write(Buffer.from(first, 'latin1'))
    })
    let followed = false
    socket.on('data', async chunk => {
      received.take(chunk)
      if (until && received.text().includes(until)) return end()
      if (followed || !received.text().includes('\r\n\r\n')) return
      followed = true
      await writePieces(socket, follow)
    })
  })
}

/** Calls back after what has arrived by now: on a busy machine a timer can be the first to be late. */
const afterEvents = (body: () => void) => void setImmediate(body)

/** Writes each piece as a TCP segment of its own. */
async function writePieces(socket: Socket, pieces: readonly string[]) {
  socket.setNoDelay(true)
  for (const piece of pieces) {
    socket.write(Buffer.from(piece, 'latin1'))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Resolves a name through the container's own resolver. */
async function resolveName({ name, type, wait }: AttackOf<'resolve'>) {
  const resolver = new Resolver({ timeout: wait, tries: 1 })
  try {
    const answers = (await resolver.resolve(name, type)) as string[] | string[][]
    return { answers: answers.flat().map(String) }
  } catch (error) {
    return { answers: [], error: codeOf(error) }
  }
}

function run({ command, wait }: AttackOf<'run'>) {
  return new Promise<object>(resolve => {
    const [file = '', ...args] = command
    const stdout = collector()
    const stderr = collector()
    const child = spawn(file, args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), wait)
    child.stdout.on('data', stdout.take)
    child.stderr.on('data', stderr.take)
    child.on('error', error => {
      clearTimeout(timer)
      resolve({ code: -1, stdout: '', stderr: codeOf(error) })
    })
    child.on('close', code => {
      clearTimeout(timer)
      resolve({ code: code ?? -1, stdout: stdout.text(), stderr: stderr.text() })
    })
  })
}

async function read({ path }: AttackOf<'read'>) {
  try {
    const text = await readFile(path, 'latin1')
    return { text: text.slice(0, limit) }
  } catch (error) {
    return { text: '', error: codeOf(error) }
  }
}

/** Opens the file for writing, and writes nothing. */
async function openForWriting({ path }: AttackOf<'open-for-writing'>) {
  try {
    const file = await open(path, 'r+')
    await file.close()
    return { writable: true }
  } catch (error) {
    return { writable: false, error: codeOf(error) }
  }
}

/** Returns the command line and environment of every process in the container. */
async function processes() {
  const found = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const [command, environment] = await Promise.all(
      ['cmdline', 'environ'].map(name =>
        readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => null),
      ),
    )
    found.push({
      pid: Number(pid),
      command: command?.slice(0, 8192) ?? null,
      environment: environment?.slice(0, 65_536) ?? null,
    })
  }
  return { processes: found.slice(0, 1000) }
}

/** Returns the ports that accept a connection. */
async function scan({ host, ports, wait }: AttackOf<'scan'>) {
  const found: number[] = []
  let next = 0
  const worker = async () => {
    for (let port = ports[next++]; port !== undefined; port = ports[next++]) {
      if (await accepts(host, port, wait)) found.push(port)
    }
  }
  await Promise.all(Array.from({ length: 256 }, worker))
  return { open: found.sort((a, b) => a - b) }
}

function accepts(host: string, port: number, wait: number) {
  return new Promise<boolean>(resolve => {
    const socket = connect({ host, port })
    const end = (accepted: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(accepted)
    }
    const timer = setTimeout(() => afterEvents(() => end(false)), wait)
    socket.on('connect', () => end(true))
    socket.on('error', () => end(false))
  })
}

/**
 * Opens connections with unfinished requests. Answers when all are open, and closes them after the
 * given time.
 */
async function hold({ host, port, count, send, milliseconds }: AttackOf<'hold'>) {
  const sockets: Socket[] = []
  const standing = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<boolean>(resolve => {
          const socket = connect({ host, port })
          sockets.push(socket)
          socket.on('connect', () => {
            socket.write(Buffer.from(send, 'latin1'))
            resolve(true)
          })
          socket.on('error', () => resolve(false))
          // A full queue does not answer.
          setTimeout(() => resolve(false), 30_000).unref()
        }),
    ),
  )
  setTimeout(() => {
    for (const socket of sockets) socket.destroy()
  }, milliseconds)
  return { standing: standing.filter(Boolean).length }
}

function codeOf(error: unknown) {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message ?? String(error)
}

function collector() {
  const chunks: Buffer[] = []
  let size = 0
  return {
    take: (chunk: Buffer) => {
      if (size > limit) return
      size += chunk.length
      chunks.push(chunk)
    },
    text: () => Buffer.concat(chunks).toString('latin1'),
  }
}
