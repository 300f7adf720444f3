import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import { z } from 'zod'
import { temporaryFolder } from '../stack/checkout.ts'

/** What the engine says to a path of its API, without the query. Missing paths are answered 404. */
export type EngineAnswers = Record<string, unknown>

/** An engine good enough for `start`, with no container on it. */
export const goodEngine: EngineAnswers = {
  '/version': { Version: '26.1.5', ApiVersion: '1.45', Components: [] },
  '/containers/json': [],
  '/images/json': [],
  '/networks': [],
  '/volumes': { Volumes: [] },
}

/** An engine on a socket of its own that says what a test wants to hear; DOCKER_HOST for it. */
export async function startFakeEngine(t: Test, answers: EngineAnswers): Promise<string> {
  const path = join(await temporaryFolder(t, 'engine'), 'docker.sock')
  const server = createServer((request, response) => {
    const version = answers['/version']
    if (request.url === '/_ping' && typeof version === 'object') {
      response.setHeader('server', banner(version))
      return response.end('OK')
    }
    const url = new URL(request.url ?? '', 'http://engine')
    const answer = filtered(answers[url.pathname], url.searchParams.get('filters'))
    const found = url.pathname.endsWith('/exec') ? 201 : 200
    response.writeHead(answer === undefined ? 404 : found, { 'content-type': 'application/json' })
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? {}))
  })
  // The stdout of a command in a container, by the path that starts it; the command ends at once.
  server.on('upgrade', (request, socket) => {
    const output = answers[request.url ?? '']
    if (typeof output !== 'string') return socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
    const header = Buffer.alloc(8)
    header[0] = 1
    header.writeUInt32BE(Buffer.byteLength(output), 4)
    socket.end(
      Buffer.concat([Buffer.from('HTTP/1.1 101 UPGRADED\r\n\r\n'), header, Buffer.from(output)]),
    )
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  t.teardown(() => server.close())
  return `unix://${path}`
}

/** As the engine does it: of a list, what carries every label that was asked for. */
function filtered(answer: unknown, filters: string | null): unknown {
  const { label: wanted } = Filters.parse(JSON.parse(filters ?? '{}'))
  const keeps = (item: unknown) => {
    const labels = Labelled.parse(item).Labels ?? {}
    return wanted.every(text => {
      const [name = '', ...value] = text.split('=')
      return value.length > 0 ? labels[name] === value.join('=') : name in labels
    })
  }
  if (wanted.length === 0) return answer
  if (Array.isArray(answer)) return answer.filter(keeps)
  const { data } = VolumeList.safeParse(answer)
  return data ? { Volumes: data.Volumes.filter(keeps) } : answer
}

const Filters = z.object({ label: z.array(z.string()).default([]) })
const Labelled = z.object({ Labels: z.record(z.string(), z.string()).nullish() })
const VolumeList = z.object({ Volumes: z.array(z.unknown()) })

/** What an engine calls itself: `Docker/26.1.5 (linux)`, or `Libpod/5.4.0 (linux)`. */
function banner(version: unknown) {
  const { Version, Components } = Known.parse(version)
  const podman = Components.some(({ Name }) => /podman/i.test(Name))
  return `${podman ? 'Libpod' : 'Docker'}/${Version} (linux)`
}

const Known = z.object({
  Version: z.string(),
  Components: z.array(z.object({ Name: z.string() })).default([]),
})
