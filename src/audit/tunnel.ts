/** The text of a CONNECT request, as Claude Code's own client writes it. */
export function connectTo(host: string, port = 443): string {
  const authority = `${host}:${port}`
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`
}

/** Whether the canary's word came back: the only proof that something was reached. */
export function reached({ received }: { received: string }, word: string): boolean {
  return received.includes(word)
}

/** First line of what came back, for evidence. */
export function firstLine({ received, error }: { received: string; error?: string | undefined }) {
  return received.split('\r\n')[0] || error || 'nothing came back'
}
