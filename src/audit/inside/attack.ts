/**
 * Runs in a container, as the agent: attacks on stdin, one JSON object a line, and what each one
 * brought on stdout. One file without imports of ours, because it is handed to `node -e`.
 */
import { spawn } from 'node:child_process'
import { Resolver } from 'node:dns/promises'
import { open, readdir, readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'

type Follow = { hello: string } | 'hello-without-name' | 'plain' | 'nothing'

type Attack =
  | { op: 'dial'; host: string; port: number; send?: string; until?: string; wait: number }
  | {
      op: 'tunnel'
      host: string
      port: number
      request: string
      follow: Follow
      until?: string
      wait: number
    }
  | { op: 'resolve'; name: string; type: 'A' | 'AAAA' | 'TXT' | 'PTR'; wait: number }
  | { op: 'run'; command: string[]; wait: number }
  | { op: 'read'; path: string }
  | { op: 'open-for-writing'; path: string }
  | { op: 'processes' }
  | { op: 'scan'; host: string; ports: number[]; wait: number }
  | { op: 'hold'; host: string; port: number; count: number; send: string; milliseconds: number }

const limit = 256 * 1024

const lines = createInterface({ input: process.stdin })
lines.on('line', async line => {
  const { id, ...attack }: { id: number } & Attack = JSON.parse(line)
  const result = await perform(attack).catch((error: Error) => ({ error: `${error.message}` }))
  process.stdout.write(`${JSON.stringify({ id, ...result })}\n`)
})
lines.on('close', () => process.exit(0))

function perform(attack: Attack): Promise<object> {
  switch (attack.op) {
    case 'dial':
      return dial(attack)
    case 'tunnel':
      return tunnel(attack)
    case 'resolve':
      return resolveName(attack)
    case 'run':
      return run(attack.command, attack.wait)
    case 'read':
      return read(attack.path)
    case 'open-for-writing':
      return openForWriting(attack.path)
    case 'processes':
      return processes()
    case 'scan':
      return scan(attack)
    case 'hold':
      return hold(attack)
    default:
      return attack satisfies never
  }
}

/** Connects, sends, and keeps what comes back: until `until` is in it, the other side ends, or the time. */
function dial({ host, port, send = '', until, wait }: Extract<Attack, { op: 'dial' }>) {
  return new Promise<object>(resolve => {
    const received = collector()
    let connected = false
    const socket = connect({ host, port })
    const end = (error?: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ connected, received: received.text(), ...(error && { error }) })
    }
    const timer = setTimeout(() => end(connected ? undefined : 'no answer'), wait)
    socket.on('connect', () => {
      connected = true
      socket.write(Buffer.from(send, 'latin1'))
    })
    socket.on('data', chunk => {
      received.take(chunk)
      if (until && received.text().includes(until)) end()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    socket.on('close', () => end())
  })
}

/**
 * Speaks to a proxy as `request` says. Whatever status the answer has, what was asked for is sent
 * after it: a verdict by status would believe the proxy.
 */
function tunnel(attack: Extract<Attack, { op: 'tunnel' }>) {
  const { host, port, request, follow, until, wait } = attack
  return new Promise<object>(resolve => {
    const received = collector()
    const socket = connect({ host, port })
    const end = (error?: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ received: received.text(), ...(error && { error }) })
    }
    const timer = setTimeout(() => end('no answer'), wait)
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    socket.on('close', () => end())
    socket.on('connect', () => socket.write(Buffer.from(request, 'latin1')))
    let followed = false
    socket.on('data', async chunk => {
      received.take(chunk)
      if (until && received.text().includes(until)) return end()
      if (followed || follow === 'nothing' || !received.text().includes('\r\n\r\n')) return
      followed = true
      socket.write(await opening(follow))
    })
  })
}

async function opening(follow: Exclude<Follow, 'nothing'>): Promise<Buffer> {
  if (follow === 'plain') {
    return Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  }
  return hello(follow === 'hello-without-name' ? undefined : follow.hello)
}

/** The first bytes of a TLS connection, made by Node itself: a hello with this server name. */
function hello(servername: string | undefined): Promise<Buffer> {
  return new Promise(resolve => {
    const sink = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        resolve(chunk)
        done()
      },
    })
    const secure = connectTls({
      socket: sink as unknown as Socket,
      ...(servername && { servername }),
    })
    secure.on('error', () => {})
  })
}

/** Through the resolver of the container, whatever it is. */
async function resolveName({ name, type, wait }: Extract<Attack, { op: 'resolve' }>) {
  const resolver = new Resolver({ timeout: wait, tries: 1 })
  try {
    const answers = (await resolver.resolve(name, type)) as string[] | string[][]
    return { answers: answers.flat().map(String) }
  } catch (error) {
    return { answers: [], error: (error as NodeJS.ErrnoException).code ?? String(error) }
  }
}

function run(command: string[], wait: number) {
  return new Promise<object>(resolve => {
    const [file = '', ...args] = command
    const stdout = collector()
    const stderr = collector()
    const child = spawn(file, args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), wait)
    child.stdout.on('data', stdout.take)
    child.stderr.on('data', stderr.take)
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      resolve({ code: -1, stdout: '', stderr: error.code ?? error.message })
    })
    child.on('close', code => {
      clearTimeout(timer)
      resolve({ code: code ?? -1, stdout: stdout.text(), stderr: stderr.text() })
    })
  })
}

async function read(path: string) {
  try {
    const text = await readFile(path, 'latin1')
    return { text: text.slice(0, limit) }
  } catch (error) {
    return { text: '', error: (error as NodeJS.ErrnoException).code ?? String(error) }
  }
}

/** Whether it would be possible; nothing is written. */
async function openForWriting(path: string) {
  try {
    const file = await open(path, 'r+')
    await file.close()
    return { writable: true }
  } catch (error) {
    return { writable: false, error: (error as NodeJS.ErrnoException).code ?? String(error) }
  }
}

/** What every process here was started with. */
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

/** Which ports accept a connection. */
async function scan({ host, ports, wait }: Extract<Attack, { op: 'scan' }>) {
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
    const timer = setTimeout(() => end(false), wait)
    socket.on('connect', () => end(true))
    socket.on('error', () => end(false))
  })
}

/** Connections that never finish what they began. Answers when all stand; lets go by itself. */
async function hold({ host, port, count, send, milliseconds }: Extract<Attack, { op: 'hold' }>) {
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
          // A queue that is full says nothing.
          setTimeout(() => resolve(false), 8_000).unref()
        }),
    ),
  )
  setTimeout(() => {
    for (const socket of sockets) socket.destroy()
  }, milliseconds)
  return { standing: standing.filter(Boolean).length }
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
