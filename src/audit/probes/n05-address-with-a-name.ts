import { connectTo, reached } from '../attempts.ts'
import { check, type Probe } from '../probe.ts'

/** PTR bypass (measured): `dstdomain` without `-n` looks up the name of an address, and trusts it. */
export const addressWithAName: Probe = {
  id: 'N5',
  title: 'an address whose owner named it like an allowed host',
  attack: 'CONNECT to an IP address whose PTR record says the name of a listed host',
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
    await attacker.tunnel(connectTo(network.nobody), { hello: names.listed }, { wait: 2_000 })
    const questions = (await seen()).filter(
      event => event.kind === 'question' && event.name.endsWith('.in-addr.arpa'),
    )
    return [
      check('the listed name itself works', reached(byName, word), 'CONNECT by name'),
      check(
        'its address does not',
        !reached(byAddress, word),
        `CONNECT ${network.canaryOutside}:443, whose PTR record says ${names.listed}: ${byAddress.received.split('\r\n')[0]}`,
      ),
      check(
        'the proxy asks no address for its name',
        questions.length === 0,
        `CONNECT ${network.nobody}:443: ${questions.length} PTR questions at the canary's DNS`,
      ),
    ]
  },
}
