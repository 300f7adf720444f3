import t from 'tap'
import {
  hasIpv6Default,
  isIpv6Only,
  parseRoutes,
  readHostNetwork,
  wayOut,
} from '../../../src/machine/host-network.ts'

const header = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n'
const route = (name: string, destination: string, mask: string, metric = 0, flags = '0003') =>
  `${name}\t${destination}\t00000000\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0\n`

t.test('routes are read as the kernel writes them', async t => {
  const text =
    header +
    route('eth0', '00000000', '00000000', 100) +
    route('tun0', '0000080A', '0000FFFF') +
    route('br-0', '0030A8C0', '00F0FFFF', 0, '0001') +
    route('down0', '0000090A', '0000FFFF', 0, '0002')
  t.strictSame(parseRoutes(text), [
    { interface: 'eth0', subnet: '0.0.0.0/0', metric: 100 },
    { interface: 'tun0', subnet: '10.8.0.0/16', metric: 0 },
    { interface: 'br-0', subnet: '192.168.48.0/20', metric: 0 },
  ])
  t.strictSame(parseRoutes('rubbish\n'), [])
})

t.test('the way out is the default route of the lowest metric, or the halves of a VPN', async t => {
  const eth = { interface: 'eth0', subnet: '0.0.0.0/0', metric: 100 }
  const wlan = { interface: 'wlan0', subnet: '0.0.0.0/0', metric: 600 }
  const half = { interface: 'tun0', subnet: '0.0.0.0/1', metric: 0 }
  t.equal(wayOut([wlan, eth])?.interface, 'eth0')
  t.equal(wayOut([wlan, eth, half])?.interface, 'tun0')
  t.equal(wayOut([{ interface: 'eth0', subnet: '10.0.0.0/8', metric: 0 }]), null)
})

t.test(
  'a host with IPv6 only is told from one that is offline, and from one with both',
  async t => {
    const words = (destination: string, length: string, name: string) =>
      `${destination} ${length} ${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00000400 00000001 00000000 00000003 ${name}\n`
    t.ok(hasIpv6Default(words('0'.repeat(32), '00', 'eth0')))
    t.notOk(
      hasIpv6Default(
        words('0'.repeat(32), '00', 'lo') + words(`fd${'0'.repeat(30)}`, '40', 'eth0'),
      ),
    )
    const bridge = { interface: 'docker0', subnet: '172.17.0.0/16', metric: 0 }
    const lan = { interface: 'eth0', subnet: '10.0.0.0/24', metric: 0 }
    t.ok(isIpv6Only({ routes: [bridge], ipv6: true, mtu: null }))
    t.notOk(isIpv6Only({ routes: [bridge], ipv6: false, mtu: null }))
    t.notOk(isIpv6Only({ routes: [bridge, lan], ipv6: true, mtu: null }))
  },
)

t.test('this host is read', async t => {
  const { routes } = await readHostNetwork()
  t.ok(Array.isArray(routes))
})
