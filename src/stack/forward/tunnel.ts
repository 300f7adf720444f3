import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { UserError } from '../../base/errors.ts'
import { lastLine, terminalLine } from '../../base/terminal-text.ts'
import type { ExecDuplex } from '../../engine/container-exec.ts'

/** Connections into one container, multiplexed over one command that runs there. */
export type Tunnel = {
  /** Connects to a port of the container's loopback. Rejects with `PortClosed` when nothing listens there. */
  connect: (port: number) => Promise<ClientHttp2Stream>
  /** Starts the command, unless it runs. */
  warm: () => Promise<void>
  close: () => void
}

/** The container runs, and nothing in it accepts connections on the port. */
export class PortClosed extends Error {}

const windowBytes = 1024 * 1024
const answerMilliseconds = 10_000

/**
 * Creates a tunnel. Its other end is hostile: it can only answer connections that this end opens, within
 * the limits of HTTP/2's flow control.
 *
 * @param open starts the command in the container
 * @param lost called when the command ended, unless `close` was called; the next connection starts another
 */
export function createTunnel(open: () => Promise<ExecDuplex>, lost: () => void): Tunnel {
  let current: Promise<ClientHttp2Session> | null = null
  let closed = false
  const session = () => {
    current ??= start(open, () => {
      current = null
      if (!closed) lost()
    }).catch(error => {
      current = null
      throw error
    })
    return current
  }
  return {
    async connect(port) {
      const stream = (await session()).request({
        ':method': 'CONNECT',
        ':authority': `127.0.0.1:${port}`,
      })
      const status = await statusOf(stream)
      if (status === 200) return stream
      stream.close()
      if (status === 502) throw new PortClosed(`nothing listens on port ${port}`)
      throw new Error(`the container answered ${status}`)
    },
    warm: async () => void (await session()),
    close() {
      closed = true
      current?.then(
        running => running.destroy(),
        () => {},
      )
    },
  }
}

async function start(open: () => Promise<ExecDuplex>, ended: () => void) {
  const { stream, stderr } = await open()
  const session = connect('http://container', {
    createConnection: () => stream,
    settings: { enablePush: false, initialWindowSize: windowBytes, maxHeaderListSize: 16 * 1024 },
  })
  return new Promise<ClientHttp2Session>((resolve, reject) => {
    const failed = () => {
      clearTimeout(timer)
      session.destroy()
      const reason = terminalLine(lastLine(stderr())) || 'its helper program ended'
      reject(
        new UserError(`cannot connect to the container: ${reason}`, {
          hint: 'check its free memory and processes: docker stats',
        }),
      )
    }
    const timer = setTimeout(failed, answerMilliseconds)
    session.once('error', failed).once('close', failed)
    session.once('remoteSettings', () => {
      clearTimeout(timer)
      session.off('error', failed).off('close', failed)
      // An error is followed by 'close'.
      session.on('error', () => {}).once('close', ended)
      session.setLocalWindowSize(4 * windowBytes)
      resolve(session)
    })
  })
}

function statusOf(stream: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = () => {
      clearTimeout(timer)
      stream.close()
      reject(new Error('the container did not answer'))
    }
    const timer = setTimeout(failed, answerMilliseconds)
    stream.once('error', failed).once('close', failed)
    stream.once('response', headers => {
      clearTimeout(timer)
      stream.off('error', failed).off('close', failed)
      // Its reader sees 'close' too.
      stream.on('error', () => {})
      resolve(Number(headers[':status']))
    })
  })
}
