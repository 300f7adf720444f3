import { judgeCommand, judgePush } from './judge-push.ts'
import { judgePackHead, type PackLimits, PackTooLarge, packHeadBytes } from './pack.ts'
import {
  type Command,
  type PushRequest,
  type ReadPush,
  RefusedPush,
  readPushCommands,
} from './push-commands.ts'

/** A push that may pass: what it asks for, and all of its bytes. */
export type AdmittedPush = { request: PushRequest; body: AsyncIterable<Buffer> }

/**
 * Reads and judges the beginning of a push, before its host hears of it. Its body passes on as it is
 * read, and fails with `PackTooLarge` when it is too large. Null for an empty list of refs.
 *
 * @throws RefusedPush with the reason of each ref. A push passes as a whole or not at all.
 */
export async function admitPush(
  received: AsyncIterable<Buffer>,
  options: { isOurs: (ref: string) => boolean; limits: PackLimits },
): Promise<AdmittedPush | null> {
  const { isOurs, limits } = options
  const chunks = received[Symbol.asyncIterator]()
  const read = await readPushCommands(chunks)
  if (read === null) return null
  const { push, head } = read
  const whole = judgePush(push)
  if (whole !== null) throw new RefusedPush(whole, push)
  refuseCommands(push, isOurs)
  const start = await readPackHead(read, chunks)
  const reason = judgePackHead(start, limits)
  if (reason !== null) throw new RefusedPush(reason, push)
  return { request: push, body: bounded([head, start], chunks, limits) }
}

function refuseCommands(push: PushRequest, isOurs: (ref: string) => boolean) {
  const reasons = new Map<Command, string>()
  for (const command of push.commands) {
    const reason = judgeCommand(command, isOurs)
    if (reason !== null) reasons.set(command, reason)
  }
  const [first] = reasons.values()
  if (first === undefined) return
  throw new RefusedPush(first, push, of => reasons.get(of) ?? 'another ref of this push is refused')
}

/** Returns at least the head of the pack, or all bytes of a body that ends before. */
async function readPackHead({ rest }: ReadPush, chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let start = rest
  while (start.length < packHeadBytes) {
    const { done, value } = await chunks.next()
    if (done) break
    start = Buffer.concat([start, value])
  }
  return start
}

async function* bounded(
  first: readonly Buffer[],
  chunks: AsyncIterator<Buffer>,
  limits: PackLimits,
): AsyncGenerator<Buffer> {
  let bytes = 0
  const count = (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > limits.bytes) throw new PackTooLarge(limits)
    return chunk
  }
  for (const chunk of first) yield count(chunk)
  for (;;) {
    const { done, value } = await chunks.next()
    if (done) return
    yield count(value)
  }
}
