import {
  type Attempt,
  attemptAll,
  connectTo,
  list,
  listedNameWorks,
  noneReached,
} from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { check, type Probe } from '../probe.ts'
import type { Twin } from '../twin.ts'
import { twinParentName } from '../twin-parent.ts'
import { grantedPorts } from '../twin-policy.ts'

/** `GET http://listed:22/` returns an SSH banner where only CONNECT has a rule for ports (measured). */
export const portsAndMethods: Probe = {
  id: 'N7',
  title: 'other ports, methods and schemes of a listed name',
  attack: 'open a tunnel to mail or SSH of a listed host, or use clear-text HTTP',
  standards: [standards.networkAccess],
  async run(scene) {
    const twin = await scene.twin()
    const { listed } = twin.names
    const ports = [21, 22, 25, 53, 80, 3128, 8080, 8443, 9022, 9443, 0, 65_979].flatMap(
      (port): Attempt[] => [
        { name: `CONNECT :${port}`, request: connectTo(listed, port), follow: { hello: listed } },
        { name: `CONNECT :${port}, plain`, request: connectTo(listed, port), follow: 'plain' },
      ],
    )
    const send = (method: string, url: string): Attempt => ({
      name: `${method} ${url}`,
      request: `${method} ${url} HTTP/1.1\r\nHost: ${listed}\r\nConnection: close\r\n\r\n`,
      follow: 'plain',
    })
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'TRACE', 'PURGE', 'connect', 'X-ANY']
    const requests = [
      ...methods.flatMap(method => [
        send(method, `http://${listed}/`),
        send(method, `http://${listed}:22/`),
        send(method, `http://${listed}:443/`),
        send(method, `https://${listed}/`),
      ]),
      ...['ftp', 'gopher', 'wais', 'whois', 'ws', 'cache_object', 'file'].map(scheme =>
        send('GET', `${scheme}://${listed}/`),
      ),
      send('GET', `urn:${listed}:x`),
      send('CONNECT', `https://${listed}:443/`),
    ]
    const [works, byPort, byRequest, proxy] = await Promise.all([
      listedNameWorks(twin),
      attemptAll(twin, ports),
      attemptAll(twin, requests),
      dialling(twin),
    ])
    // The grants of the twin are another probe's (N22).
    const allowed: readonly number[] = [443, ...Object.values(grantedPorts)]
    const dialled = (await twin.seen()).flatMap(event =>
      event.kind === 'connection' &&
      !allowed.includes(event.port) &&
      proxy.includes(plain(event.from))
        ? [String(event.port)]
        : [],
    )
    return [
      works,
      noneReached('CONNECT reaches no port but 443', byPort),
      noneReached('the proxy refuses every other method and scheme', byRequest),
      check(
        'the proxy dials no port but 443',
        dialled.length === 0,
        dialled.length > 0
          ? `the canary saw connections at: ${list([...new Set(dialled)])}`
          : 'the canary saw no connection at its other ports',
      ),
    ]
  },
}

/** Returns the addresses of the proxy, and of the parent proxy that dials in its place. */
async function dialling(twin: Twin): Promise<string[]> {
  const services = twin.behindParent ? (['proxy', twinParentName] as const) : (['proxy'] as const)
  return (await Promise.all(services.map(twin.addresses))).flat()
}

function plain(address: string | undefined) {
  return (address ?? '').replace(/^::ffff:/, '')
}
