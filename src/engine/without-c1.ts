/** First byte of the characters U+0080 to U+00BF in UTF-8. */
const lead = 0xc2

/**
 * Returns a function that removes the control characters U+0080 to U+009F from UTF-8 in chunks. Terminals take
 * them for ESC and the next character, such as U+009D for the beginning of an operating system command. tmux
 * passes them on as a part of the cell before.
 */
export function createC1Remover(): (chunk: Buffer) => Buffer {
  // The first byte of a character whose second is in the next chunk.
  let held = false

  return chunk => {
    if (!held && !chunk.includes(lead)) return chunk
    const bytes = held ? Buffer.concat([Buffer.of(lead), chunk]) : chunk
    const kept = Buffer.alloc(bytes.length)
    let length = 0
    held = false
    for (let at = 0; at < bytes.length; at++) {
      const [byte = 0, next] = [bytes[at], bytes[at + 1]]
      if (byte === lead && next === undefined) {
        held = true
      } else if (byte === lead && next !== undefined && next >= 0x80 && next <= 0x9f) {
        at++
      } else {
        kept[length++] = byte
      }
    }
    return kept.subarray(0, length)
  }
}
