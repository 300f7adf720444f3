import { parseSquidConf } from '../../egress/squid-conf.ts'
import { connectTo, firstLine, list, reached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'
import type { Twin } from '../twin.ts'

/** Limits that the policy must set; Squid's defaults are minutes and hours. */
const bounds = [
  'request_start_timeout 10 seconds',
  'request_timeout 10 seconds',
  'connect_timeout 15 seconds',
  'read_timeout 15 minutes',
  'client_lifetime 1 day',
  'request_header_max_size 8 KB',
  'reply_header_max_size 16 KB',
  'max_filedescriptors 8192',
  'client_ip_max_connections 2000',
  'client_persistent_connections off',
  'server_persistent_connections off',
]

export const exhaustion: Probe = {
  id: 'N13',
  busy: true,
  title: 'a proxy so busy that other clients get no answer',
  attack: 'open hundreds of connections without finishing a request, or send endless headers',
  standards: [standards.limits],
  async run(scene) {
    const twin = await scene.twin()
    const [halfOpen, large, flood] = await Promise.all([
      whileHalfOpen(twin),
      largeHeader(twin),
      floodOfOne(twin),
    ])
    return [halfOpen, large, flood, await policyBounds(scene), ...containerBounds(scene)]
  },
}

async function whileHalfOpen({ attacker, names, word }: Twin): Promise<Check> {
  const { standing } = await attacker.hold('proxy', 3128, 200, 'CONNECT x', 6_000)
  const answer = await attacker.tunnel(
    connectTo(names.listed),
    { hello: names.listed },
    { until: word, wait: 60_000 },
  )
  return check(
    'a good request succeeds beside 200 unfinished ones',
    standing === 200 && reached(answer, word),
    `${standing} open; ${firstLine(answer)}`,
  )
}

async function largeHeader({ attacker, names, word }: Twin): Promise<Check> {
  const line = `X-Large: ${'a'.repeat(64 * 1024)}\r\n`
  const answer = await attacker.tunnel(
    `CONNECT ${names.listed}:443 HTTP/1.1\r\n${line}\r\n`,
    { hello: names.listed },
    { until: word, wait: 5_000 },
  )
  return check(
    'a header of 64 KiB ends the connection',
    !reached(answer, word) && answer.error !== 'no answer',
    firstLine(answer),
  )
}

/**
 * Floods the proxy from the canary's address, so that the agent of the other probes is not locked
 * out.
 */
async function floodOfOne({ outsider, attacker, names, word }: Twin): Promise<Check> {
  const ask = (from: typeof outsider, wait = 60_000) =>
    from.tunnel(
      connectTo(names.listed),
      { hello: names.listed },
      { host: 'proxy-agent', until: word, wait },
    )
  const before = await ask(outsider)
  const { standing } = await outsider.hold('proxy-agent', 3128, 1_600, 'CONNECT x', 9_000)
  const [flooder, neighbour] = await Promise.all([ask(outsider, 4_000), ask(attacker)])
  return check(
    'a client with 1600 open connections gets no more, and other clients still do',
    reached(before, word) && !reached(flooder, word) && reached(neighbour, word),
    `${standing} open; same client: ${firstLine(flooder)}; other client: ${firstLine(neighbour)}`,
  )
}

async function policyBounds(scene: Scene): Promise<Check> {
  const written = new Set(parseSquidConf(await scene.policy()).map(({ words }) => words.join(' ')))
  const missing = bounds.filter(bound => !written.has(bound))
  return check(
    'the policy in force limits time, size and number of requests',
    missing.length === 0,
    missing.length > 0 ? `missing: ${list(missing)}` : `${bounds.length} limits`,
  )
}

function containerBounds({ inspections }: Scene): Check[] {
  const proxy = inspections.containers.get('proxy')?.HostConfig
  const files = proxy?.Ulimits?.find(({ Name }) => Name === 'nofile')
  const missing = [
    ...(files && files.Soft >= 8_192 ? [] : ['8192 file descriptors']),
    ...(proxy && proxy.Memory > 0 ? [] : ['memory']),
    ...(proxy && (proxy.PidsLimit ?? 0) > 0 ? [] : ['processes']),
  ]
  return [
    check(
      "the proxy's container has limits, and enough file descriptors",
      missing.length === 0,
      missing.length > 0
        ? `no limit set, or too low: ${list(missing)}`
        : `${files?.Soft} descriptors, ${proxy?.Memory} bytes, ${proxy?.PidsLimit} processes`,
    ),
  ]
}
