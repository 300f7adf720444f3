import { parseSquidConf } from '../../egress/squid-conf.ts'
import { type Attempt, attemptAll, connectTo, list, noneReached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, type Probe } from '../probe.ts'
import { parseSockets } from '../proc-files.ts'
import type { Scene } from '../scene.ts'
import type { Twin } from '../twin.ts'

/** Features that Squid has on by default: caching, answering neighbours, reporting about itself. */
const turnedOff = [
  'cache deny all',
  'cache_mem 0',
  'memory_pools off',
  'digest_generation off',
  'icp_port 0',
  'htcp_port 0',
  'snmp_port 0',
  'pinger_enable off',
  'via off',
  'forwarded_for delete',
  'httpd_suppress_version_string on',
  'email_err_data off',
  'visible_hostname claude-secure-proxy',
  'tls_outgoing_options default-ca=off',
]

/** Most vulnerabilities of Squid were in parts that this stack does not use. */
export const proxySurface: Probe = {
  id: 'N14',
  title: 'parts of Squid that the stack does not use, and its manager pages',
  attack:
    "request Squid's own pages, reach its old protocols, and learn its version for an exploit",
  standards: [standards.neededPorts],
  async run(scene) {
    const twin = await scene.twin()
    const [pages, sockets, policy] = await Promise.all([
      ownPages(twin),
      liveSockets(scene),
      inForce(scene),
    ])
    return [...pages, ...sockets, policy]
  },
}

async function ownPages(twin: Twin): Promise<Check[]> {
  const { listed, unlisted } = twin.names
  const send = (method: string, url: string, host = 'proxy:3128'): Attempt => ({
    name: `${method} ${url}`,
    request: `${method} ${url} HTTP/1.1\r\nHost: ${host}\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n`,
    follow: 'nothing',
  })
  const manager = ['menu', 'info', 'config', 'active_requests', 'ipcache'].flatMap(page => [
    send('GET', `/squid-internal-mgr/${page}`),
    send('GET', `http://proxy:3128/squid-internal-mgr/${page}`),
    send('GET', `cache_object://proxy/${page}`),
    send('GET', `cache_object://localhost/${page}`),
  ])
  const attempts = [
    ...manager,
    send('GET', '/squid-internal-static/icons/SN.png'),
    send('GET', '/squid-internal-periodic/store_digest'),
    send('GET', `ftp://${listed}/`, listed),
    send('GET', `urn:${listed}:x`, listed),
    send('TRACE', `http://${listed}/`, listed),
    send('OPTIONS', '*', listed),
    send('GET', '/'),
    { name: 'refused', request: connectTo(unlisted), follow: 'nothing' as const },
    { name: 'no HTTP', request: 'x\r\n\r\n', follow: 'nothing' as const },
  ]
  const [attempted, addresses, host] = await Promise.all([
    attemptAll(twin, attempts),
    twin.addresses('proxy'),
    twin.inside('proxy', ['hostname']),
  ])
  const revealing = (pattern: RegExp) =>
    attempted.filter(({ received }) => pattern.test(received)).map(({ name }) => name)
  const managed = revealing(
    /Connection information|Cache Manager Menu|http_port |File descriptor usage|IP Cache Stat/i,
  )
  const versions = revealing(/squid\/\d|Squid Cache: Version|\b\d+\.\d+(\.\d+)?[^\n]*squid/i)
  const self = [...addresses, host.stdout.trim()].filter(text => text)
  const named = attempted.flatMap(({ name, received }) =>
    self.some(text => received.includes(text)) ? [name] : [],
  )
  // A request for the proxy's own address returns that address: the caller knew it already.
  return [
    noneReached('the proxy refuses FTP, URN, TRACE and similar requests', attempted),
    check(
      'the proxy shows its manager pages to no client',
      attempted.some(({ received }) => received !== '') && managed.length === 0,
      managed.length > 0 ? list(managed) : `${manager.length} pages requested`,
    ),
    check(
      'no answer reveals the version of Squid',
      versions.length === 0,
      versions.length > 0 ? list(versions) : `${attempted.length} answers`,
    ),
    check(
      "no answer reveals the proxy's other addresses or its hostname",
      named.length === 0,
      named.length > 0 ? list(named) : `${self.length} names and addresses searched for`,
    ),
  ]
}

async function liveSockets({ inside }: Scene): Promise<Check[]> {
  const [tcp, udp] = await Promise.all(
    ['tcp', 'udp'].map(async table => {
      const { stdout } = await inside('proxy', ['cat', `/proc/net/${table}`])
      // The engine's resolver asks a DNS server from here: such a socket hears that server alone.
      const own = stdout.split('\n').filter(line => !/:0035 01 /.test(line))
      return parseSockets(own.join('\n'))
    }),
  )
  const listening = (tcp ?? []).filter(({ listening }) => listening)
  const foreign = listening.filter(({ port }) => port !== 3128)
  // One of them is Squid's socket for DNS queries, on a port that varies.
  const old = (udp ?? []).filter(({ port }) => [3130, 3401, 4827].includes(port))
  const count = udp?.length ?? 0
  return [
    check(
      'the live proxy listens only on port 3128',
      listening.length > 0 && foreign.length === 0,
      list([...new Set(listening.map(({ port }) => String(port)))]),
    ),
    check(
      'the live proxy has no socket for ICP, HTCP or SNMP',
      old.length === 0 && count <= 1,
      `${count} UDP sockets, for its own DNS queries${old.length > 0 ? `; ${old[0]?.port} is open` : ''}`,
    ),
  ]
}

async function inForce(scene: Scene): Promise<Check> {
  const written = new Set(parseSquidConf(await scene.policy()).map(({ words }) => words.join(' ')))
  const missing = turnedOff.filter(rule => !written.has(rule))
  return check(
    'the policy in force turns off unused features',
    missing.length === 0,
    missing.length > 0 ? `missing: ${list(missing)}` : `${turnedOff.length} rules`,
  )
}
