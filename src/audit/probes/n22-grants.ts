import { grantFindings } from '../../egress/findings.ts'
import { describeGrant, type GrantLine, isPlain, parseGrants } from '../../egress/grants.ts'
import { serviceOfEgress } from '../../stack/services.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import {
  type Attempt,
  attemptAll,
  connectTo,
  firstLine,
  list,
  noneReached,
  reached,
} from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, held, open, orUnknown, type Probe } from '../probe.ts'
import { type Scene, variable } from '../scene.ts'
import type { Twin } from '../twin.ts'
import { grantedPorts } from '../twin-policy.ts'

/** A grant opens a private range or a port to one name: nothing else may pass through the opening. */
export const grants: Probe = {
  id: 'N22',
  title: 'more than a grant names',
  attack: 'use a granted range or port with other names, ports, addresses and protocols',
  standards: [standards.networkAccess],
  async run(scene) {
    const parts = await Promise.all([
      orUnknown(opened, () => opens(scene)),
      closed(scene),
      upstream(scene),
      here(scene),
    ])
    return parts.flat()
  },
}

const opened = 'each grant of the twin opens what it names'

/** Shows that the grants work: otherwise the refusals would prove nothing. */
async function opens(scene: Scene): Promise<Check> {
  const twin = await scene.twin()
  const { names, word } = twin
  const tried = await attemptAll(
    twin,
    [
      attempt(names.granted, 443, { hello: names.granted }),
      attempt(names.grantedPort, grantedPorts.tls, { hello: names.grantedPort }),
      attempt(names.grantedPlain, grantedPorts.plain, 'plain'),
    ],
    10_000,
  )
  const failed = tried.filter(answer => !reached(answer, word))
  const [first] = failed
  return check(
    opened,
    failed.length === 0,
    first
      ? `${list(failed.map(({ name }) => name))}: ${firstLine(first)}`
      : `${tried.length} tried`,
  )
}

async function closed(scene: Scene): Promise<Check[]> {
  const twin = await scene.twin()
  const { listed, private: unlisted, granted, ...names } = twin.names
  const { grantedElsewhere, grantedMixed, grantedPort, grantedPlain } = names
  const { tls, plain } = grantedPorts
  const tls443 = (name: string) => attempt(name, 443, { hello: name })
  const [ranges, ports, protocols] = await Promise.all([
    attemptAll(twin, [tls443(unlisted), tls443(grantedElsewhere), tls443(grantedMixed)]),
    attemptAll(twin, [
      attempt(listed, tls, { hello: listed }),
      attempt(granted, tls, { hello: granted }),
      attempt(grantedPort, plain, 'plain'),
      attempt(grantedPlain, tls, { hello: grantedPlain }),
      attempt(listed, plain, 'plain'),
      tls443(grantedPort),
      tls443(grantedPlain),
    ]),
    attemptAll(twin, [
      attempt(grantedPort, tls, { hello: listed }),
      attempt(grantedPort, tls, 'plain'),
      request(`GET http://${grantedPort}:${tls}/`, grantedPort),
      request(`TRACE http://${grantedPlain}:${plain}/`, grantedPlain),
      request(`GET ftp://${grantedPlain}:${plain}/`, grantedPlain),
      request(`GET http://${listed}:${plain}/`, grantedPlain),
    ]),
  ])
  return [
    noneReached('a granted range is closed to other names, and its name to other ranges', ranges),
    noneReached('a granted port is closed to other names, and its name on other ports', ports),
    noneReached('a granted port passes nothing but what it states', protocols),
  ]
}

/** Judges a private upstream of the model: open to the gateway in its range, and to no agent. */
async function upstream(scene: Scene): Promise<Check[]> {
  const claim =
    'the proxy opens a private upstream of the model to the gateway alone, and in its range only'
  const judged = await orUnknown(claim, async () => {
    const twin = await scene.twin()
    const { names, word } = twin
    await Promise.all([names.upstream, names.upstreamMixed].map(name => helloAsGateway(twin, name)))
    const arrived = (await twin.seen()).flatMap(event =>
      event.kind === 'data' ? [event.text] : [],
    )
    const came = (name: string) => arrived.some(text => text.includes(name))
    if (!came(names.upstream)) return open(claim, 'the gateway does not reach it either')
    if (came(names.upstreamMixed)) return open(claim, 'the gateway reached a name beside the range')
    const [agent] = await attemptAll(twin, [
      attempt(names.upstream, 443, { hello: names.upstream }),
    ])
    return agent && !reached(agent, word)
      ? held(claim, `refused to the agent: ${firstLine(agent)}`)
      : open(claim, 'the agent reached it')
  })
  return [judged]
}

/** Sends a ClientHello from the network of the services: Squid knows callers by their address. */
async function helloAsGateway(twin: Twin, name: string): Promise<void> {
  const program =
    'timeout 8 openssl s_client -proxy egress:3128 -connect "$1:443" -servername "$1" < /dev/null'
  await twin.inside('proxy', ['sh', '-c', program, 'sh', name])
}

/** Judges the grants of the live stack: they must be this folder's own, and the user should know them. */
async function here(scene: Scene): Promise<Check[]> {
  const mounted = "the proxy reads this folder's list and no other folder's"
  const known = 'the lists of the stack open single names, nothing private and no other port'
  const mount = scene
    .service(serviceOfEgress)
    .Mounts.find(({ Destination }) => Destination === '/etc/claude-secure/folder')
  const own = stateFolder(scene.stack.stack).policy
  const ranges = variable(scene.service(serviceOfEgress), 'UPSTREAM_PRIVATE')
  const inside = 'the gateway reaches no private network'
  return [
    ranges
      ? { claim: inside, verdict: 'weak', evidence: `UPSTREAM_PRIVATE opens ${ranges}` }
      : held(inside, 'UPSTREAM_PRIVATE is not set'),
    check(
      mounted,
      mount !== undefined && mount.Source === own && !mount.RW,
      mount ? `${mount.Source}, ${mount.RW ? 'writable' : 'read-only'}` : 'it is not mounted',
    ),
    await orUnknown(known, async () => judgeInForce(known, await inForce(scene))),
  ]
}

/** Reads the lists that the proxy enforces now. */
async function inForce(scene: Scene): Promise<GrantLine[]> {
  const paths = ['checkout', 'here'].map(file => `/run/squid/accepted.${file}`)
  // Ends each file with a newline, which a user may have left out.
  const { code, stdout } = await scene.inside(serviceOfEgress, ['mawk', '1', ...paths])
  if (code !== 0) throw new Error('the proxy has no accepted lists')
  return parseGrants(stdout, 'the lists in force')
}

/** Judges the lists in force: a grant of the user is not a defect, but the report must show the opening. */
export function judgeInForce(claim: string, inForce: readonly GrantLine[]): Check {
  const [worst] = grantFindings(inForce).filter(({ severity }) => severity === 'open')
  if (worst) return open(claim, worst.message)
  const special = inForce.filter(grant => !isPlain(grant) || grant.name.startsWith('.'))
  if (special.length === 0) return held(claim, 'no grant is in force')
  const texts = special.map(grant => {
    const { target, terms } = describeGrant(grant)
    return [target, ...terms].join(', ')
  })
  return { claim, verdict: 'weak', evidence: `granted: ${list(texts)}` }
}

function attempt(host: string, port: number, follow: Attempt['follow']): Attempt {
  const how = follow === 'plain' ? ', plain' : ''
  return { name: `CONNECT ${host}:${port}${how}`, request: connectTo(host, port), follow }
}

function request(line: string, host: string): Attempt {
  return {
    name: line,
    request: `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    follow: 'plain',
  }
}
