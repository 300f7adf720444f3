import { createPacketReader, MalformedPacket } from './pkt-line.ts'

/** One ref that a push would change. Ids are hexadecimal; all zeros for a ref that is not there. */
export type Command = { old: string; new: string; ref: string }

/** What a push asks for, before its pack. */
export type PushRequest = {
  commands: readonly Command[]
  capabilities: readonly string[]
}

export type ReadPush = {
  push: PushRequest
  /** The lines as they were received, with the end of their list. */
  head: Buffer
  /** The first bytes after them. */
  rest: Buffer
}

/** The most refs of a push, and bytes of the lines that name them. */
export const mostCommands = 16
const mostBytes = 64 * 1024

/** A push that the gateway does not pass on, and why. */
export class RefusedPush extends Error {
  /** What is known of the push: the refs and capabilities that were read before the refusal. */
  readonly push: PushRequest
  /** The reason of one ref. */
  readonly reasonOf: (command: Command) => string

  constructor(reason: string, push: PushRequest, reasonOf = (_: Command) => reason) {
    super(reason)
    this.name = 'RefusedPush'
    this.push = push
    this.reasonOf = reasonOf
  }
}

const commandLine = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) ([^\0\n]+)\n?$/

/**
 * Reads the list of refs at the beginning of a push, and nothing of its pack. Resolves with null for an
 * empty list, by which git asks whether it may send more.
 *
 * @throws RefusedPush for a list that is not one, is too long, or has more than refs.
 */
export async function readPushCommands(body: AsyncIterator<Buffer>): Promise<ReadPush | null> {
  const reader = createPacketReader(mostBytes)
  const commands: Command[] = []
  const chunks: Buffer[] = []
  let capabilities: string[] = []
  let received = 0
  const refuse = (reason: string) => new RefusedPush(reason, { commands, capabilities })

  for (;;) {
    const packet = readOne(reader, refuse)
    if (packet === null) {
      if (received > mostBytes) throw refuse(`the list of refs has more than ${mostBytes} bytes`)
      const { done, value } = await body.next()
      if (done) throw refuse('the list of refs has no end')
      received += value.length
      chunks.push(value)
      reader.write(value)
      continue
    }
    if (packet.kind === 'flush') {
      const rest = reader.rest()
      const all = Buffer.concat(chunks)
      const head = all.subarray(0, all.length - rest.length)
      return commands.length === 0 ? null : { push: { commands, capabilities }, head, rest }
    }
    // One character for each byte: a name that is not UTF-8 must not become another one.
    const text = packet.bytes.toString('latin1')
    const end = commands.length === 0 ? text.indexOf('\0') : -1
    if (end >= 0)
      capabilities = text
        .slice(end + 1)
        .split(/[ \n]+/)
        .filter(Boolean)
    const line = end < 0 ? text : text.slice(0, end)
    if (line.startsWith('shallow ')) throw refuse('a shallow repository cannot be pushed from')
    if (line.startsWith('push-cert')) throw refuse('signed pushes are not supported')
    const [, old = '', next = '', ref = ''] = commandLine.exec(line) ?? []
    if (ref === '' || old.length !== next.length) throw refuse('a line is not a change of a ref')
    commands.push({ old, new: next, ref })
    if (commands.length > mostCommands) throw refuse(`more than ${mostCommands} refs at once`)
  }
}

function readOne(
  reader: ReturnType<typeof createPacketReader>,
  refuse: (reason: string) => RefusedPush,
) {
  try {
    return reader.read()
  } catch (error) {
    throw error instanceof MalformedPacket ? refuse(`malformed: ${error.message}`) : error
  }
}
