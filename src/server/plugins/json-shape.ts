const quote = 0x22
const backslash = 0x5c

/**
 * Returns why a JSON text is too complex to parse, or null. Looks at its bytes before they become values:
 * ten million brackets are ten megabytes of text, and a hundred times that as arrays (threat M6).
 */
export function jsonTooComplex(
  bytes: Buffer,
  { depth, values }: { depth: number; values: number },
): 'depth' | 'values' | null {
  let level = 0
  let count = 0
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case quote:
        at = endOfString(bytes, at)
        break
      // [ and {
      case 0x5b:
      case 0x7b:
        if (++level > depth) return 'depth'
        if (++count > values) return 'values'
        break
      // ] and }
      case 0x5d:
      case 0x7d:
        level--
        break
      case 0x2c:
        if (++count > values) return 'values'
    }
  }
  return null
}

/** Returns the index of the quote that ends a string, or the text's end. Skips its content quickly. */
function endOfString(bytes: Buffer, start: number): number {
  for (let at = start; ; ) {
    at = bytes.indexOf(quote, at + 1)
    if (at < 0) return bytes.length
    let escapes = 0
    while (bytes[at - 1 - escapes] === backslash) escapes++
    if (escapes % 2 === 0) return at
  }
}
