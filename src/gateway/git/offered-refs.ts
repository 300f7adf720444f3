import { offeredCapabilities } from './judge-push.ts'
import { createPacketReader, MalformedPacket, packetLine, serviceLines } from './pkt-line.ts'

/** The most bytes of the lines that are changed: the service, and the first ref with its capabilities. */
const mostBytes = 64 * 1024

const refLine = /^([0-9a-f]{40}|[0-9a-f]{64}) ([^\0\n]+)\0([^\0\n]*)\n?$/

/**
 * Passes a server's list of refs for a push on, without the capabilities that the gateway refuses: git
 * itself then says that the remote does not support what its user asked for.
 *
 * @throws MalformedPacket when the list does not begin as one.
 */
export async function* offeredRefs(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const reader = createPacketReader(mostBytes)
  let state: 'service' | 'flush' | 'first' | 'rest' = 'service'
  let received = 0
  for await (const chunk of body) {
    if (state === 'rest') {
      yield chunk
      continue
    }
    received += chunk.length
    reader.write(chunk)
    for (let packet = reader.read(); packet; packet = reader.read()) {
      const text = packet.kind === 'line' ? packet.bytes.toString('latin1') : null
      if (state === 'service' && text?.trimEnd() === '# service=git-receive-pack') {
        state = 'flush'
      } else if (state === 'flush' && text === null) {
        state = 'first'
      } else if (state === 'first' && text !== null) {
        const [, id, ref, capabilities] = refLine.exec(text) ?? []
        if (capabilities === undefined) throw notAList()
        const offered = offeredCapabilities(capabilities.split(' ')).join(' ')
        yield Buffer.concat([
          serviceLines('git-receive-pack'),
          packetLine(Buffer.from(`${id} ${ref}\0${offered}\n`, 'latin1')),
          reader.rest(),
        ])
        state = 'rest'
        break
      } else throw notAList()
    }
    if (state !== 'rest' && received > mostBytes) throw notAList()
  }
  if (state !== 'rest') throw notAList()
}

function notAList() {
  return new MalformedPacket('the host did not answer with a list of refs')
}
