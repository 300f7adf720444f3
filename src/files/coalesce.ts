/**
 * Joins small chunks into chunks of at least `bytes`, except the last: each write to a socket costs more
 * than copying a small file's content.
 */
export async function* coalesce(
  chunks: AsyncIterable<Uint8Array>,
  bytes = 256 * 1024,
): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    held.push(chunk)
    size += chunk.length
    if (size < bytes) continue
    const [only] = held
    yield held.length === 1 && only
      ? Buffer.from(only.buffer, only.byteOffset, size)
      : Buffer.concat(held)
    held = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(held)
}
