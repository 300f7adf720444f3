import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { judgeRequirements } from '../../machine/requirements.ts'
import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** A DNS query leaks the data in its name, even when it gets no answer. */
export const dnsResolver: Probe = {
  id: 'N2',
  title: 'data sent out in DNS queries to the resolver',
  attack: "query the container's resolver for names whose DNS server belongs to the attacker",
  standards: [standards.networkAccess, standards.upToDate],
  async run(scene) {
    const [asked, neighbours, named] = await Promise.all([
      askOutside(scene),
      askNeighbours(scene),
      readResolvers(scene),
    ])
    return [neighbours, asked, ...named, ...resolverChecks(scene), engineCheck(scene)]
  },
}

/** The engine's resolver, and `claude-secure-names`, which refuses every other name. */
const ownResolvers = ['127.0.0.11', '127.0.0.1']

/** Podman's resolver has an address of the network, and its containers keep the engine's file. */
async function readResolvers({ agent, versions }: Scene): Promise<Check[]> {
  if (versions.engine?.kind === 'podman') return []
  const { text } = await agent.read('/etc/resolv.conf')
  const named = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address = '']) => address)
  const foreign = named.filter(address => !ownResolvers.includes(address))
  return [
    check(
      'programs ask only the resolvers of their own container',
      named.length > 0 && foreign.length === 0,
      `/etc/resolv.conf: ${list(foreign.length > 0 ? foreign : named) || 'no resolver'}`,
    ),
  ]
}

async function askOutside({ agent }: Scene): Promise<Check> {
  const label = randomBytes(8).toString('hex')
  const queries = [
    { name: `${label}.audit.test`, type: 'A' },
    { name: `${label}.audit.test`, type: 'TXT' },
    { name: 'api.anthropic.com', type: 'A' },
    { name: 'api.anthropic.com', type: 'AAAA' },
    { name: 'host.docker.internal', type: 'A' },
    { name: 'egress', type: 'A' },
    { name: 'gateway-services', type: 'A' },
  ] as const
  const results = await Promise.all(
    queries.map(async query => ({
      ...query,
      ...(await agent.resolve(query.name, query.type, 2_000)),
    })),
  )
  const answered = results.filter(({ answers, error }) => answers.length > 0 || isNoSuchName(error))
  return check(
    'the agent gets no answer for a name outside of its network',
    answered.length === 0,
    answered.length > 0
      ? `answered: ${list(answered.map(({ name, type, answers, error }) => `${type} ${name} ${answers[0] ?? error}`))}`
      : `${results.length} queries: ${list([...new Set(results.map(({ error }) => error ?? 'nothing'))])}`,
  )
}

/**
 * Returns whether the answer was "no such name": it counts as an answer, because a server was
 * queried.
 */
function isNoSuchName(error: string | undefined) {
  return error === 'ENOTFOUND'
}

/** Asks several times: on a busy machine the engine's resolver answers late, and the agent's own then refuses. */
async function askNeighbours({ agent }: Scene): Promise<Check> {
  let { answers, error } = await agent.resolve('proxy')
  for (let more = 4; more > 0 && answers.length === 0; more--) {
    await sleep(500)
    ;({ answers, error } = await agent.resolve('proxy'))
  }
  return check(
    'the name of the proxy resolves',
    answers.length > 0,
    `proxy: ${answers[0] ?? error}`,
  )
}

function resolverChecks({ inspections }: Scene): Check[] {
  const dead = [...inspections.containers].filter(([name]) => name !== 'proxy')
  const wrong = (same: (host: (typeof dead)[number][1]['HostConfig']) => boolean) =>
    dead.filter(([, { HostConfig }]) => !same(HostConfig)).map(([name]) => name)
  const resolvers = wrong(({ Dns }) => Dns?.length === 1 && Dns[0] === '127.0.0.1')
  const suffixes = wrong(({ DnsSearch }) => DnsSearch?.length === 1 && DnsSearch[0] === '.')
  const all = list(dead.map(([name]) => name))
  return [
    check(
      'only the proxy has a resolver for other names',
      dead.length > 0 && resolvers.length === 0,
      resolvers.length > 0 ? `another resolver in: ${list(resolvers)}` : `127.0.0.1 for ${all}`,
    ),
    check(
      "no service has the host's search domains",
      dead.length > 0 && suffixes.length === 0,
      suffixes.length > 0 ? `set in: ${list(suffixes)}` : `none for ${all}`,
    ),
  ]
}

function engineCheck({ versions }: Scene): Check {
  const engine = judgeRequirements(versions).find(({ id }) => id === 'engine')
  return check(
    'the engine does not forward queries from internal networks (CVE-2024-29018)',
    engine !== undefined && engine.severity !== 'refusal',
    engine?.message ?? 'the version of the engine is unknown',
  )
}
