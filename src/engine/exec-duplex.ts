import { Duplex } from 'node:stream'
import { type ContainerExec, createContainerExec, startContainerExec } from './container-exec.ts'
import type { EngineAddress } from './engine-request.ts'
import { createFrameReader } from './frames.ts'

/** Maximum bytes kept of the command's standard error. */
const stderrBytes = 4 * 1024

/** A command in a container as one binary stream: writes reach its stdin, reads are its stdout. */
export type ExecDuplex = {
  stream: Duplex
  /** Returns the last bytes of its standard error. */
  stderr: () => string
}

/** Starts a command with backpressure in both directions. Destroying the stream closes the command's stdin. */
export async function openExecDuplex(
  address: EngineAddress,
  exec: ContainerExec,
): Promise<ExecDuplex> {
  const { socket, first } = await startContainerExec(
    address,
    await createContainerExec(address, exec),
  )
  const frames = createFrameReader()
  let stderr: Buffer = Buffer.alloc(0)
  const receive = (chunk: Buffer) => {
    let room = true
    for (const { stream: source, payload } of frames(chunk)) {
      if (source === 'stdout') room = stream.push(payload) && room
      else stderr = Buffer.concat([stderr, payload]).subarray(-stderrBytes)
    }
    if (!room) socket.pause()
  }
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    final: done => void socket.end(done),
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket
    .on('data', receive)
    .once('end', () => stream.push(null))
    .once('error', error => stream.destroy(error))
    .once('close', () => stream.destroy())
  if (first.length > 0) receive(first)
  return { stream, stderr: () => stderr.toString() }
}
