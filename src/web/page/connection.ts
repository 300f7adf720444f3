/** Keeps the token of the address: a reload needs it, and the address must not show it. */
export function takeToken(): string | null {
  const given = /^#token=([\w-]{1,128})$/.exec(location.hash)?.[1]
  if (given !== undefined) {
    // Belongs to this address and port alone, unlike a cookie.
    sessionStorage.setItem('token', given)
    history.replaceState(null, '', '/')
  }
  return sessionStorage.getItem('token')
}

export type Connection = {
  /** Sends JSON; rejects with a `Refusal`. */
  post: <T = { notices: string[] }>(path: string, body: unknown) => Promise<T>
  open: (path: string) => WebSocket
}

/** A refusal of the server: two lines for the user. */
export class Refusal extends Error {
  readonly hint: string | null

  constructor(message: string, hint: string | null) {
    super(message)
    this.hint = hint
  }
}

export function createConnection(token: string): Connection {
  return {
    async post<T>(path: string, body: unknown) {
      const answer = await fetch(path, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const json: unknown = await answer.json()
      if (answer.ok) return json as T
      const { error, hint } = json as { error: string; hint: string | null }
      throw new Refusal(error, hint)
    },
    open(path) {
      const socket = new WebSocket(`ws://${location.host}${path}`, [
        'claude-secure',
        `token.${token}`,
      ])
      socket.binaryType = 'arraybuffer'
      return socket
    },
  }
}

const firstPause = 250
const longestPause = 4_000

/**
 * Opens a websocket again whenever it closes, with growing pauses, until `stop`. `closed` decides whether to go on
 * and is called before each pause.
 */
export function keepOpen(
  open: () => WebSocket,
  handlers: {
    opened?: (socket: WebSocket) => void
    message: (event: MessageEvent, socket: WebSocket) => void
    /** Returns false to open it no more. */
    closed: (event: CloseEvent, opened: boolean) => boolean
  },
): () => void {
  let pause = firstPause
  let stopped = false
  let current: WebSocket | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  const connect = () => {
    const socket = open()
    let opened = false
    current = socket
    socket.addEventListener('open', () => {
      opened = true
      pause = firstPause
      handlers.opened?.(socket)
    })
    socket.addEventListener('message', event => handlers.message(event, socket))
    socket.addEventListener('close', event => {
      if (stopped || !handlers.closed(event, opened)) return
      timer = setTimeout(connect, pause)
      pause = Math.min(2 * pause, longestPause)
    })
  }
  connect()
  return () => {
    stopped = true
    clearTimeout(timer)
    current?.close()
  }
}
