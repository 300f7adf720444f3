import { connect, type Socket } from 'node:net'

/** Address of an engine: a Unix socket, or plain TCP for `DOCKER_HOST=tcp://…`. */
export type EngineAddress = { socketPath: string } | { host: string; port: number }

/** An answer of the engine: its status, the lines of its head, and its body as a stream. */
export type EngineAnswer = { status: number; head: string; body: AsyncIterable<Buffer> }

const headLimit = 64 * 1024
/** Maximum milliseconds until the answer to an upgrade, which the engine sends before it starts anything. */
const upgradePatience = 30_000

/** Returns the whole body as text. Node's own reader would first load web streams. */
export async function bodyText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

type RequestOptions = { signal?: AbortSignal; idleMilliseconds?: number }

/**
 * Sends a GET over HTTP/1.0, where the end of the connection ends the body. Node's own client takes longer
 * to load than the engine takes to answer, and scripts call `status` often.
 */
export function engineGet(
  address: EngineAddress,
  path: string,
  options: RequestOptions = {},
): Promise<EngineAnswer> {
  return exchange(address, [`GET ${path} HTTP/1.0`, 'Host: engine'], '', options)
}

/** Sends a POST with a JSON body. */
export function enginePost(
  address: EngineAddress,
  path: string,
  json: unknown,
  options: RequestOptions = {},
): Promise<EngineAnswer> {
  const body = JSON.stringify(json)
  const head = [`POST ${path} HTTP/1.0`, 'Host: engine', ...bodyHeaders(body)]
  return exchange(address, head, body, options)
}

async function exchange(
  address: EngineAddress,
  head: readonly string[],
  body: string,
  { signal, idleMilliseconds = 0 }: RequestOptions,
): Promise<EngineAnswer> {
  signal?.throwIfAborted()
  const socket = open(address)
  const abort = () => socket.destroy(signal?.reason instanceof Error ? signal.reason : undefined)
  signal?.addEventListener('abort', abort, { once: true })
  socket.once('close', () => signal?.removeEventListener('abort', abort))
  socket.setTimeout(idleMilliseconds, () => socket.destroy(noAnswer(idleMilliseconds)))
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  try {
    const { head: answer, rest } = await readHead(chunks)
    return { status: statusOf(answer), head: answer, body: readBody(chunks, rest, socket) }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/**
 * Sends a POST that turns the connection into a raw stream in both directions, as for a terminal. `first`
 * has the bytes that came with the answer's head.
 * https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach
 */
export function engineUpgrade(
  address: EngineAddress,
  path: string,
  json: unknown,
  patience = upgradePatience,
): Promise<{ socket: Socket; first: Buffer }> {
  const body = JSON.stringify(json)
  const head = [`POST ${path} HTTP/1.1`, 'Host: engine', 'Connection: Upgrade', 'Upgrade: tcp']
  const socket = open(address)
  socket.write(`${[...head, ...bodyHeaders(body)].join('\r\n')}\r\n\r\n${body}`)
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const fail = (error: Error) => {
      socket.destroy()
      reject(error)
    }
    const ended = () => fail(new Error('the answer ended before its head did'))
    const late = () => fail(noAnswer(patience))
    const read = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (end < 0 && received.length > headLimit)
        fail(new Error('the head of the answer has no end'))
      if (end < 0) return
      const status = statusOf(received.toString('latin1', 0, end))
      if (status !== 101 && status !== 200) return fail(new Error(`the engine answered ${status}`))
      socket.setTimeout(0).off('timeout', late)
      socket.off('data', read).off('error', fail).off('end', ended).pause()
      resolve({ socket, first: received.subarray(end + 4) })
    }
    socket.on('data', read).once('error', fail).once('end', ended)
    socket.setTimeout(patience).once('timeout', late)
  })
}

function open(address: EngineAddress): Socket {
  return 'socketPath' in address ? connect(address.socketPath) : connect(address)
}

function bodyHeaders(body: string) {
  return ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]
}

function statusOf(head: string): number {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
  if (!status) throw new Error('the answer is not HTTP')
  return Number(status)
}

async function readHead(chunks: AsyncIterator<Buffer>) {
  let head = Buffer.alloc(0)
  for (;;) {
    const { value, done } = await chunks.next()
    if (done) throw new Error('the answer ended before its head did')
    head = Buffer.concat([head, value])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0 && head.length > headLimit) throw new Error('the head of the answer has no end')
    if (end < 0) continue
    return { head: head.toString('latin1', 0, end), rest: head.subarray(end + 4) }
  }
}

async function* readBody(chunks: AsyncIterator<Buffer>, rest: Buffer, socket: Socket) {
  try {
    if (rest.length > 0) yield rest
    for (let item = await chunks.next(); !item.done; item = await chunks.next()) yield item.value
  } finally {
    socket.destroy()
  }
}

/** An engine that is silent: unlike a refused connection, something listens. */
function noAnswer(milliseconds: number): Error {
  return Object.assign(new Error(`no answer in ${milliseconds / 1000} s`), { code: 'ETIMEDOUT' })
}
