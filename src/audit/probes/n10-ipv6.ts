import {
  type Attempt,
  attemptAll,
  connectTo,
  list,
  listedNameWorks,
  noneReached,
} from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** A second protocol is a second network, to which the rules of the first do not apply. */
export const ipv6: Probe = {
  id: 'N10',
  title: 'a way out over IPv6',
  attack: 'use an IPv6 address of a container, or make the proxy dial one',
  standards: [standards.networkAccess],
  async run(scene) {
    const [live, twin] = await Promise.all([kernels(scene), literals(scene)])
    return [...live, ...configured(scene), ...twin]
  },
}

async function kernels(scene: Scene): Promise<Check[]> {
  const services = [...scene.inspections.containers.keys()]
  const states = await Promise.all(
    services.map(async service => {
      const files = ['/proc/sys/net/ipv6/conf/all/disable_ipv6', '/proc/net/if_inet6']
      // A kernel without IPv6 has neither file: there is nothing to turn off.
      const read = files.map(file => scene.inside(service, ['cat', file]))
      const [disabled, addresses] = await Promise.all(read)
      const addressed = (addresses?.stdout ?? '')
        .split('\n')
        .filter(line => line && !/^0{31}1 .* lo$/.test(line))
      return {
        service,
        off: disabled?.code !== 0 || disabled.stdout.trim() === '1',
        addressed: addressed.map(line => `${service} ${line.split(' ')[0]}`),
      }
    }),
  )
  const on = states.filter(({ off }) => !off).map(({ service }) => service)
  const addressed = states.flatMap(({ addressed }) => addressed)
  return [
    check(
      'no container has an IPv6 address',
      states.length > 0 && addressed.length === 0,
      addressed.length > 0 ? list(addressed) : `none in ${list(services)}`,
    ),
    check(
      'IPv6 is turned off in every container',
      states.length > 0 && on.length === 0,
      on.length > 0 ? `disable_ipv6 is 0 in ${list(on)}` : `disable_ipv6 in ${list(services)}`,
    ),
  ]
}

function configured({ inspections }: Scene): Check[] {
  const networks = [...inspections.networks.values()].filter(({ EnableIPv6 }) => EnableIPv6)
  const without = [...inspections.containers].filter(
    ([, { HostConfig }]) => HostConfig.Sysctls?.['net.ipv6.conf.all.disable_ipv6'] !== '1',
  )
  return [
    check(
      'no network of the stack has IPv6 enabled',
      inspections.networks.size > 0 && networks.length === 0,
      networks.length > 0
        ? `with IPv6: ${list(networks.map(({ Name }) => Name))}`
        : `${inspections.networks.size} networks`,
    ),
    check(
      'every service is started with IPv6 turned off',
      without.length === 0,
      without.length > 0
        ? `not set in: ${list(without.map(([name]) => name))}`
        : list([...inspections.containers.keys()]),
    ),
  ]
}

async function literals(scene: Scene): Promise<Check[]> {
  const twin = await scene.twin()
  const hosts = [
    '[::1]',
    '[::]',
    '::1',
    '[2606:4700:4700::1111]',
    '[fe80::1%25eth0]',
    '[fd00:ec2::254]',
  ]
  const attempts = hosts.map(
    (host): Attempt => ({
      name: host,
      request: connectTo(host),
      follow: { hello: twin.names.listed },
    }),
  )
  const [works, attempted] = await Promise.all([listedNameWorks(twin), attemptAll(twin, attempts)])
  const unexplained = attempted.filter(({ received }) => received.startsWith('HTTP/1.1 200'))
  return [
    works,
    noneReached('the proxy refuses every IPv6 address', attempted),
    check(
      'the proxy opens no tunnel to an IPv6 address',
      unexplained.length === 0,
      unexplained.length > 0
        ? list(unexplained.map(({ name }) => name))
        : `${hosts.length} addresses`,
    ),
  ]
}
