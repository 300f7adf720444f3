import { Transform } from 'node:stream'

/** Maximum bytes of a request's head. */
const headBytes = 32 * 1024

export type Refusal = { status: 403 | 431; reason: string }

/**
 * The first line of a request, finished or not. Any token is a method: a page may send `fetch('/', { method: 'x' })`,
 * and many servers answer every method.
 */
const requestLine = /^[\w!#$%&'*+.^`|~-]+(?: [^\n]*)?$/
const httpVersion = / HTTP\/1\.[01]$/

/**
 * Judges the first bytes of a connection: `more` until the head of an HTTP request is complete, `pass` for a
 * request from a page of this machine and for any other protocol.
 *
 * Stops DNS rebinding (a website's name that resolves to 127.0.0.1 reads the agent's server) and websockets
 * of other websites, which no same-origin policy holds back.
 */
export function judgeHead(head: Buffer): 'more' | 'pass' | Refusal {
  const text = head.toString('latin1')
  const [first = '', ...rest] = text.split('\n', 2)
  if (!requestLine.test(first.replace(/\r$/, ''))) return 'pass'
  // Other protocols have lines of words too: `USER me`.
  if (rest.length > 0 && !httpVersion.test(first.replace(/\r$/, ''))) return 'pass'
  const end = /\r?\n\r?\n/.exec(text)
  if (!end) {
    return head.length < headBytes
      ? 'more'
      : { status: 431, reason: 'the request head is too large' }
  }
  const lines = text.slice(0, end.index).split(/\r?\n/).slice(1)
  const values = (name: string) =>
    lines.flatMap(line => {
      const [key = '', ...value] = line.split(':')
      return key.trim().toLowerCase() === name ? [value.join(':').trim()] : []
    })
  const hosts = values('host')
  if (hosts.length > 1 || hosts.some(host => !isLocal(host))) {
    return { status: 403, reason: 'the Host of the request is not localhost' }
  }
  const upgrades = values('upgrade').length > 0
  if (upgrades && values('origin').some(origin => !isLocal(origin.replace(/^https?:\/\//, '')))) {
    return { status: 403, reason: 'the websocket belongs to another website' }
  }
  return 'pass'
}

/** Returns whether an authority names this machine: `localhost`, a name below it, or 127.0.0.1. */
function isLocal(authority: string) {
  return /^(([a-z0-9-]+\.)*localhost|127\.0\.0\.1)(:\d{1,5})?$/i.test(authority)
}

/** Passes bytes on once the head of the connection is judged; calls `refused` and drops everything else. */
export function createRequestGuard(refused: (refusal: Refusal) => void): Transform {
  let head: Buffer | null = Buffer.alloc(0)
  let drops = false
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (drops) return done()
      if (head === null) return done(null, chunk)
      head = Buffer.concat([head, chunk])
      const verdict = judgeHead(head)
      if (verdict === 'more') return done()
      const kept = head
      head = null
      if (verdict === 'pass') return done(null, kept)
      drops = true
      refused(verdict)
      done()
    },
    flush(done) {
      if (head !== null && head.length > 0) this.push(head)
      done()
    },
  })
}
