/**
 * The lines of a byte stream that is cut anywhere. A line longer than `limit` bytes comes as null: what
 * writes it must not make us hold it.
 */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  limit: number,
): AsyncGenerator<string | null> {
  let parts: Buffer[] = []
  let size = 0
  const take = (part: Buffer) => {
    size += part.length
    if (size <= limit) parts.push(part)
    else parts = []
  }
  const line = () => {
    const text = size <= limit ? Buffer.concat(parts).toString() : null
    parts = []
    size = 0
    return text
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      take(chunk.subarray(from, end))
      yield line()
      from = end + 1
    }
    take(chunk.subarray(from))
  }
  if (size > 0) yield line()
}
