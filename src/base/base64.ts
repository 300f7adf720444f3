const isDigit = new Uint8Array(128)
for (const digit of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') {
  isDigit[digit.charCodeAt(0)] = 1
}

/**
 * Whether a text is base64: digits, and at most two `=` at the end. Without a regular expression, which over
 * megabytes now and then exceeds the stack of V8 instead of an answer.
 */
export function isBase64(text: string): boolean {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const end = text.length - padding
  for (let at = 0; at < end; at++) if (isDigit[text.charCodeAt(at)] !== 1) return false
  return end > 0
}
