/** Builds a CONNECT request as Claude Code's client writes it. */
export function connectTo(host: string, port = 443): string {
  const authority = `${host}:${port}`
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`
}

/** Returns whether the canary's word came back: the only proof that an attempt reached it. */
export function reached({ received }: { received: string }, word: string): boolean {
  return received.includes(word)
}

/** Returns the first line of the answer, for evidence. */
export function firstLine({ received, error }: { received: string; error?: string | undefined }) {
  return received.split('\r\n')[0] || error || 'nothing came back'
}
