import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Attempt,
  type Attempted,
  attemptAll,
  connectTo,
  firstLine,
  list,
  listedNameWorks,
} from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, type Probe } from '../probe.ts'
import type { Twin } from '../twin.ts'

/** The owner of a listed name chooses its address: the host, a neighbour, the cloud's metadata. */
export const privateAddresses: Probe = {
  id: 'N8',
  title: 'a listed name that leads to a private address',
  attack:
    'let a listed name resolve to private, local and metadata addresses, also alternating ones',
  standards: [standards.networkAccess],
  async run(scene) {
    const twin = await scene.twin()
    const { names, word } = twin
    const to = (host: string): Attempt => ({
      name: host,
      request: connectTo(host),
      follow: { hello: host },
    })
    if (twin.behindParent) {
      return [
        await listedNameWorks(twin),
        {
          claim: 'the proxy dials no private address of a name',
          verdict: 'weak',
          evidence: `${scene.stack.parent ?? 'the parent proxy'} resolves the names and alone decides; see N21`,
        },
      ]
    }
    const private_ = attemptAll(twin, [to(names.private)])
    const neighbour = attemptAll(twin, [to(names.neighbour)])
    const nowhere = attemptAll(twin, [to(names.metadata), to(names.loopback)])
    const [works, toPrivate, toNeighbour, toNowhere, changing, table, canary] = await Promise.all([
      listedNameWorks(twin),
      private_,
      neighbour,
      nowhere,
      inTurns(twin, [to(names.flip), to(names.mixed)]),
      connectionsDuring(twin),
      twin.addresses('canary'),
    ])
    const inner = canary.filter(address => address !== twin.network.canaryOutside)
    const at = (attempted: readonly Attempted[]) =>
      attempted.filter(({ received }) =>
        inner.some(address => new RegExp(`${word}@(::ffff:)?${address}"`).test(received)),
      )
    return [
      works,
      refused('the proxy dials no private address of a name', at(toPrivate), toPrivate),
      refused('the proxy dials no neighbour in the stack', at(toNeighbour), toNeighbour),
      refused(
        'the proxy dials no private address that appears after its check',
        at(changing),
        changing,
      ),
      check(
        'the proxy dials no metadata service of a cloud',
        !/:(01BB)\b/.test(table.metadata),
        table.metadata || 'no connection to 169.254.169.254',
      ),
      ...toNowhere.map(attempted =>
        check(
          `the proxy gives its reason: ${attempted.name === names.metadata ? 'metadata' : 'loopback'}`,
          attempted.received.includes('private or reserved address'),
          firstLine(attempted),
        ),
      ),
    ]
  },
}

/** Runs attempts one after the other, so that each lookup gets its own answer. */
async function inTurns(twin: Twin, attempts: readonly Attempt[]): Promise<Attempted[]> {
  const all: Attempted[] = []
  for (let turn = 0; turn < 4; turn++) all.push(...(await attemptAll(twin, attempts, 3_000)))
  return all
}

/** Reads the proxy's connections to 169.254.169.254 from the kernel while the attempts run. */
async function connectionsDuring(twin: Twin) {
  await sleep(700)
  const { stdout } = await twin.inside('proxy', ['cat', '/proc/net/tcp'])
  return {
    metadata: stdout
      .split('\n')
      .filter(line => line.includes('FEA9FEA9'))
      .join(' '),
  }
}

function refused(claim: string, reached: readonly Attempted[], tried: readonly Attempted[]): Check {
  const [first] = tried
  return check(
    claim,
    tried.length > 0 && reached.length === 0,
    reached.length > 0
      ? `the canary answered: ${list(reached.map(({ name }) => name))}`
      : `${tried.length} tried; ${first ? firstLine(first) : ''}`,
  )
}
