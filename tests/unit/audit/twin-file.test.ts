import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { twinFile, twinNetworks, twinZone } from '../../../src/audit/twin-file.ts'
import {
  canaryNames,
  listedNames,
  policyWithNames,
  serverGrantsFor,
} from '../../../src/audit/twin-policy.ts'
import { parseAllowlist } from '../../../src/egress/allowlist.ts'
import { ruleFindings } from '../../../src/egress/findings.ts'
import { parseServerGrants } from '../../../src/egress/server-grants.ts'

const names = canaryNames('0123abcd')
const [network = { agent: '', outside: '', canaryAgent: '', canaryOutside: '', unused: '' }] =
  twinNetworks
const shipped = await readFile(join(import.meta.dirname, '../../../proxy/squid.conf'), 'utf8')

t.test('canary names are unique to an audit, and only some are listed', async t => {
  const all = [...listedNames(names), names.unlisted, names.belowListed, names.secret('x')]
  t.equal(new Set(all).size, all.length)
  for (const name of all) t.match(name, /\.audit-0123abcd\.test$/)
  t.notOk(listedNames(names).some(name => [names.unlisted, names.belowListed].includes(name)))
})

t.test(
  'the twin’s policy is the policy in force with the canary names in the same form',
  async t => {
    const text = policyWithNames(shipped, names) ?? ''
    t.strictSame(
      parseAllowlist(text).agent.map(({ name, namesOnly }) => [name, namesOnly]),
      listedNames(names).map(name => [name, true]),
    )
    t.strictSame(ruleFindings(text), ruleFindings(shipped))
    const without = policyWithNames(
      shipped.replaceAll('allowed_sites dstdomain -n', 'allowed_sites dstdomain'),
      names,
    )
    t.ok(
      parseAllowlist(without ?? '').agent.every(({ namesOnly }) => !namesOnly),
      'a fault of the list is a fault of the twin’s',
    )
    t.equal(policyWithNames('http_access deny all\n', names), null)
  },
)

t.test('the pieces of the documentation range do not overlap', async t => {
  const starts = twinNetworks.flatMap(({ agent, outside }) =>
    [agent, outside].map(subnet => Number(/\.(\d+)\/29$/.exec(subnet)?.[1])),
  )
  t.equal(new Set(starts).size, starts.length)
  for (const start of starts) t.equal(start % 8, 0)
})

t.test('names resolve to the addresses that their attack needs', async t => {
  const zone = twinZone(names, network, '10.1.2.3', ['API.example.test'])
  t.strictSame(zone[names.listed], [[network.canaryOutside]])
  t.strictSame(zone[names.private], [['10.1.2.3']])
  t.strictSame(zone[names.flip], [[network.canaryOutside], ['10.1.2.3']])
  t.strictSame(zone['api.example.test'], [[network.canaryOutside]])
  t.equal(zone[names.secret('x')], undefined)
  const reversed = network.canaryOutside.split('.').reverse().join('.')
  t.strictSame(zone[`${reversed}.in-addr.arpa`], [[names.listed]])
})

const plan = {
  network,
  names,
  word: 'w',
  images: { proxy: 'p', gateway: 'g', claude: 'c' },
  agentUser: '1:1',
  gatewayUser: '2:2',
  agentDirect: '',
  policyFolder: '/x/$HOME/proxy',
  grantsFolder: '/s/grants',
  serverGrantsFolder: '/s/server-grants',
  credentialFile: '/x/credential.json',
  canaryCommand: ['node'],
  label: 'l',
  startInterval: true,
  parent: null,
}

t.test('a dollar sign in a folder name is escaped, and no port is published', async t => {
  const text = JSON.stringify(twinFile(plan))
  t.match(text, '/x/$$HOME/proxy')
  t.notMatch(text, /"ports"/)
})

t.test('a stack without a gateway has a twin without a gateway', async t => {
  const services = (images: typeof plan.images) =>
    Object.keys((twinFile({ ...plan, images }) as { services: object }).services).sort()
  t.strictSame(services(plan.images), ['agent', 'canary', 'gateway', 'proxy'])
  t.strictSame(services({ ...plan.images, gateway: '' }), ['agent', 'canary', 'proxy'])
})

t.test('no internal network of the twin has an address of the host, as in the stack', async t => {
  const { networks } = twinFile(plan) as {
    networks: Record<string, { internal?: boolean; driver_opts?: object }>
  }
  const inner = Object.entries(networks).filter(([, { internal }]) => internal)
  t.strictSame(inner.map(([name]) => name).sort(), ['agent', 'private', 'services'])
  for (const [name, { driver_opts }] of inner) {
    t.strictSame(driver_opts, { 'com.docker.network.bridge.inhibit_ipv4': 'true' }, name)
  }
})

t.test('the twin has a tenant with grants below, above and after the ceiling', async t => {
  const now = new Date('2026-11-21T12:00:00Z')
  const grants = parseServerGrants(serverGrantsFor(names, now), 'grants.list')
  t.same(
    grants.map(({ name, until }) => [name, until]),
    [
      [names.serverGranted, '2026-11-21T13:00:00Z'],
      [names.serverAbove, '2026-11-21T13:00:00Z'],
      [names.serverExpired, '2026-11-21T11:00:00Z'],
    ],
  )
  const { grantable } = parseAllowlist(policyWithNames(shipped, names) ?? '')
  t.same(
    grantable.map(({ name }) => name),
    [names.serverGranted, names.serverExpired],
  )
  t.match(JSON.stringify(twinFile(plan)), /"AGENT_ALIASES":"proxy-tenant-audit"/)
})
