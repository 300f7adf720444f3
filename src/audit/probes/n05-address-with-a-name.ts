import { connectTo, reached } from '../attempts.ts'
import { check, type Probe } from '../probe.ts'

/**
 * PTR bypass (measured): `dstdomain` without `-n` looks up the name of an address, and trusts it.
 */
export const addressWithAName: Probe = {
  id: 'N5',
  title: 'an address whose PTR record names an allowed host',
  attack: 'CONNECT to an IP address whose PTR record names a listed host',
  standards: [],
  async run(scene) {
    const { attacker, names, network, word, seen } = await scene.twin()
    const byName = await attacker.tunnel(
      connectTo(names.listed),
      { hello: names.listed },
      { until: word },
    )
    const byAddress = await attacker.tunnel(
      connectTo(network.canaryOutside),
      {
        hello: names.listed,
      },
      { until: word },
    )
    // Docker's DNS names the canary itself; the canary's DNS answers for this address.
    await attacker.tunnel(connectTo(network.unused), { hello: names.listed }, { wait: 2_000 })
    const queries = (await seen()).filter(
      event => event.kind === 'question' && event.name.endsWith('.in-addr.arpa'),
    )
    return [
      check('a request to the listed name succeeds', reached(byName, word), 'CONNECT by name'),
      check(
        'a request to the address of that name is refused',
        !reached(byAddress, word),
        `CONNECT ${network.canaryOutside}:443, whose PTR record names ${names.listed}: ${byAddress.received.split('\r\n')[0]}`,
      ),
      check(
        'the proxy looks up no name of an address',
        queries.length === 0,
        `CONNECT ${network.unused}:443: ${queries.length} PTR queries at the canary's DNS`,
      ),
    ]
  },
}
