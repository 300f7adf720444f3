import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { command } from '../base/command.ts'
import { systemCode, UserError } from '../base/errors.ts'

/** The only address that the page listens on: no other machine can connect to it. */
export const loopback = '127.0.0.1'

/** claude-code-runner's port. */
export const usualPort = 3456
const tries = 50

/**
 * Listens on the wanted port, or without one on 3456 or the next that is free. Returns the port.
 *
 * @param wanted 0 takes any free port
 */
export async function listenOnLoopback(
  app: Pick<FastifyInstance, 'listen' | 'server'>,
  wanted: number | null,
  first = usualPort,
): Promise<number> {
  const ports = wanted === null ? Array.from({ length: tries }, (_, at) => first + at) : [wanted]
  for (const port of ports) {
    try {
      await app.listen({ host: loopback, port })
      return (app.server.address() as AddressInfo).port
    } catch (error) {
      if (systemCode(error) === 'EADDRINUSE' && wanted === null) continue
      throw cannotListen(port, error)
    }
  }
  throw new UserError(`the ports ${first} to ${first + tries - 1} of ${loopback} are in use`, {
    hint: `choose a free port: ${command('web --port 8300')}`,
  })
}

function cannotListen(port: number, cause: unknown) {
  const code = systemCode(cause)
  const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${code ?? 'unknown error'})`
  return new UserError(`${loopback}:${port} ${why}`, {
    hint: `choose another port above 1023, or omit it: ${command('web')}`,
    cause,
  })
}
