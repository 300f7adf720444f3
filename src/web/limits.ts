/** Limits of the page's server: no client may occupy its memory or connections indefinitely. */
export type WebLimits = {
  /** Maximum number of open connections. */
  connections: number
  /** Maximum number of open websockets. */
  sockets: number
  /** Maximum bytes of a JSON body, and of a message of a websocket. */
  messageBytes: number
  /** Maximum bytes that wait for a slow reader of a terminal; above it the terminal is read no further. */
  terminalBytes: number
  /** Maximum bytes that wait for a slow reader of the live state; above it the websocket is closed. */
  liveBytes: number
  /** Maximum keys that wait for a terminal, in bytes; above it the websocket is read no further. */
  inputBytes: number
  /** Interval of the pings, and so the time after which a vanished client is found. */
  pingMilliseconds: number
  /** Maximum number of entries of the egress log in one message; the newest. */
  entries: number
  /** Interval of two looks at stacks and runs. */
  lookMilliseconds: number
}

export const defaultWebLimits: WebLimits = {
  connections: 256,
  sockets: 64,
  messageBytes: 256 * 1024,
  terminalBytes: 1024 * 1024,
  liveBytes: 8 * 1024 * 1024,
  inputBytes: 1024 * 1024,
  pingMilliseconds: 20_000,
  entries: 500,
  lookMilliseconds: 1_000,
}
