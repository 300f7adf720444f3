import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { readForwards } from '../../stack/forward/record.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, held, type Probe } from '../probe.ts'
import { parseSockets } from '../proc-files.ts'
import type { Scene } from '../scene.ts'

/** Forwards are processes of this host, so this probe looks at the host. */
export const forwards: Probe = {
  id: 'B2',
  title: 'forwarded ports used by others than this host and its pages',
  attack: 'look for forwarded ports on other addresses of this host, and ask as another website',
  standards: [standards.neededPorts, standards.mappedPorts],
  async run({ stack }: Scene): Promise<Check[]> {
    const open = await readForwards(stateFolder(stack.stack))
    if (open.length === 0) return [held('no port is forwarded', 'no forward runs')]
    const [listening, answers] = await Promise.all([
      listeners(),
      Promise.all(
        open.flatMap(({ local }) =>
          // A page may choose the method of its request, and many servers answer each.
          ['GET', 'm-search'].map(async method => ({
            local,
            foreign: await statusFor(local, method, 'site.test'),
          })),
        ),
      ),
    ])
    const elsewhere = listening.filter(({ port }) => open.some(({ local }) => local === port))
    const willing = answers.filter(({ foreign }) => foreign !== '403')
    const ports = list(open.map(({ local }) => String(local)))
    return [
      check(
        'forwarded ports listen on the loopback only',
        elsewhere.length === 0,
        elsewhere.length > 0
          ? list(elsewhere.map(({ address, port }) => `${address}:${port}`))
          : `ports ${ports}, as the kernel of this host reports`,
      ),
      check(
        'forwarded ports answer only pages of this machine',
        willing.length === 0,
        willing.length > 0
          ? list(willing.map(({ local, foreign }) => `${local}: ${foreign}`))
          : `403 for the Host of another website: ${ports}`,
      ),
    ]
  },
}

/** Returns the sockets of this host that listen beyond the loopback. */
async function listeners() {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map(path => readFile(path, 'utf8').catch(() => '')),
  )
  return parseSockets(tables.join('\n')).filter(({ listening }) => listening)
}

const answerMilliseconds = 5_000

/** Returns the HTTP status for a request with this Host, or how the connection ended. */
function statusFor(port: number, method: string, host: string): Promise<string> {
  return new Promise(resolve => {
    let received = ''
    const socket = connect({ host: '127.0.0.1', port })
    socket.setTimeout(answerMilliseconds, () => socket.destroy())
    socket.on('error', () => {})
    socket.once('connect', () => socket.write(`${method} / HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
    socket.on('data', chunk => {
      received = `${received}${chunk}`.slice(0, 100)
      if (received.includes('\r\n')) socket.destroy()
    })
    socket.once('close', () =>
      resolve(/^HTTP\/1\.[01] (\d{3}) /.exec(received)?.[1] ?? 'no HTTP answer'),
    )
  })
}
