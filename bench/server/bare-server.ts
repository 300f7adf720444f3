import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { must } from '../../tests/support/stack/process.ts'

const label = 'claude-secure.bench=bare'

/** Answers each path with as many bytes as its argument says. */
const program = `
const { createServer } = require('node:http')
const bodies = new Map(Object.entries(JSON.parse(process.argv[1])).map(([name, size]) => ['/' + name, Buffer.alloc(size, 'x')]))
createServer((request, response) => {
  const body = bodies.get(request.url)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}).listen(8080, '0.0.0.0')`

/**
 * Starts a server that does nothing but answer, in a container whose port is published as that of the measured one,
 * so that both sides pass the engine's own proxy and bridge.
 *
 * @param like a container whose image has `node`
 */
export async function startBareServer(like: string, sizes: Record<string, number>) {
  await removeBareServers()
  const inspected = await must('docker', ['inspect', '--format', '{{.Config.Image}}', like])
  const container = await must('docker', [
    ...['run', '--detach', '--init', '--label', label, '--pull', 'never', '--cpus', '2'],
    ...['--publish', '127.0.0.1::8080', '--entrypoint', 'node', inspected.trim()],
    ...['-e', program, JSON.stringify(sizes)],
  ])
  const id = container.trim()
  const [, port] = /:(\d+)\s*$/m.exec(await must('docker', ['port', id, '8080/tcp'])) ?? []
  const [path] = Object.keys(sizes)
  await answering(`http://127.0.0.1:${port}/${path}`)
  return { port: Number(port), close: () => must('docker', ['rm', '--force', id]) }
}

/** Removes also what a killed run left. */
async function removeBareServers() {
  const ids = await must('docker', ['ps', '--all', '--quiet', '--filter', `label=${label}`])
  const list = ids.split('\n').filter(Boolean)
  if (list.length > 0) await must('docker', ['rm', '--force', ...list])
}

async function answering(url: string) {
  const deadline = Date.now() + 30_000
  while (!(await isAnswering(url))) {
    if (Date.now() > deadline) throw new Error(`${url} does not answer`)
    await sleep(100)
  }
}

/** The engine's proxy accepts before the server listens, and can leave such a connection without an end. */
function isAnswering(url: string): Promise<boolean> {
  return new Promise(resolve => {
    const call = get(url, { agent: false }, answer => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    const late = setTimeout(() => call.destroy(), 2_000)
    call.once('error', () => resolve(false))
    call.once('close', () => {
      clearTimeout(late)
      resolve(false)
    })
  })
}
