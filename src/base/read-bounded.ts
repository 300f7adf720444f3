/**
 * Reads a stream to its end. Throws as soon as it exceeds `limit` bytes, so that its sender cannot use up
 * the memory.
 *
 * @param name the content, as the subject of the error: "the request"
 */
export async function readBounded(
  stream: AsyncIterable<Buffer>,
  limit: number,
  name: string,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > limit) throw new Error(`${name} is larger than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
