import { UserError } from '../base/errors.ts'

/** Parses the environment of the ingress. */
export function parseIngressSettings(env: NodeJS.ProcessEnv): {
  port: number
  target: { host: string; port: number }
} {
  const port = portOf('INGRESS_PORT', env.INGRESS_PORT ?? '8080')
  const [, host = '', targetPort = ''] =
    /^([a-z0-9.-]{1,253}):(\d{1,5})$/.exec(env.INGRESS_TARGET ?? 'server:8080') ?? []
  if (host === '') throw invalid('INGRESS_TARGET is not host:port')
  return { port, target: { host, port: portOf('INGRESS_TARGET', targetPort) } }
}

function portOf(name: string, text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port > 0 && port < 65_536) return port
  throw invalid(`the port of ${name} is not a number from 1 to 65535`)
}

function invalid(problem: string) {
  return new UserError(`invalid environment of the ingress: ${problem}`, {
    hint: 'fix the environment of the service ingress in compose.server.yaml',
  })
}
