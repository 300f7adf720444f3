import type { Socket } from 'node:net'

/** Joins two connections until both directions have ended; an error of one ends the other. */
export function relay(one: Socket, other: Socket) {
  one.pipe(other).pipe(one)
  for (const [socket, partner] of [
    [one, other],
    [other, one],
  ] as const) {
    socket.on('error', () => partner.destroy())
    socket.on('close', () => partner.destroySoon())
  }
}
