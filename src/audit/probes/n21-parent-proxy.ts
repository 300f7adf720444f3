import { messageOf } from '../../base/errors.ts'
import { parentFolder, parentLogin, parentRules } from '../../egress/parent-conf.ts'
import { isInRange } from '../../egress/private-range.ts'
import { serviceOfEgress } from '../../stack/services.ts'
import { attemptAll, connectTo, listedNameWorks, noneReached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { holdsSecret } from '../key-search.ts'
import { type Check, check, everyService, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** Where the proxy has the configuration that Squid started from. */
const startedFrom = '/run/squid/start-from-policy.conf'

const dialled = 'the proxy dials nothing but the parent proxy'

/** A connection around the company's proxy would be neither logged nor judged there. */
export const parentProxy: Probe = {
  id: 'N21',
  title: 'a way around the parent proxy, and its password',
  attack: 'request a name that the parent proxy refuses, and look for the password of the parent',
  standards: [standards.networkAccess, standards.secrets],
  async run(scene) {
    const parent = await scene.parentConf()
    if (parent === null) return [await withoutParent(scene)]
    const login = parentLogin(parent)
    return [
      rulesInForce(parent),
      ...(await throughParent(scene).catch((error: unknown): Check[] => [
        { claim: dialled, verdict: 'unknown', evidence: messageOf(error) },
      ])),
      ownFolder(scene),
      ...(login ? [await passwordIsNowhere(scene, login.password)] : []),
      {
        claim: 'private addresses behind a listed name are refused',
        verdict: 'weak',
        evidence: `${scene.stack.parent ?? 'the parent proxy'} resolves the names, so it alone decides`,
      },
    ]
  },
}

/** Without a parent the proxy must judge the address of every name. */
function withoutParent(scene: Scene): Promise<Check> {
  const claim = 'the proxy itself judges every address, and has no parent proxy'
  return orUnknown(claim, async () => {
    const { stdout } = await scene.inside(serviceOfEgress, ['cat', startedFrom])
    const own = stdout.split('\n').map(line => line.trim())
    const peers = own.filter(line => line.startsWith('cache_peer')).length
    const judged = own.filter(line => line.startsWith('acl resolved_here '))
    return check(
      claim,
      peers === 0 && judged.length === 1 && judged[0] === 'acl resolved_here any-of all',
      `${peers} parents; ${judged.join(', ')}`,
    )
  })
}

/** The rules take effect in this order, before any rule of squid.conf. */
function rulesInForce(parent: string): Check {
  const lines = parent.split('\n').filter(Boolean)
  const peers = lines.filter(line => line.startsWith('cache_peer ')).length
  const rules = lines.filter(line => /^(always_direct|never_direct|nonhierarchical)/.test(line))
  const wanted = parentRules.filter(rule => /^(always|never|nonhierarchical)/.test(rule))
  const missing = wanted.filter(rule => !rules.includes(rule))
  return check(
    'the rules that forbid a direct connection are in force',
    peers === 1 && rules.join('\n') === wanted.join('\n'),
    missing.length > 0
      ? `missing: ${missing.join(', ')}`
      : `${peers} parent, ${rules.length} rules`,
  )
}

async function throughParent(scene: Scene): Promise<Check[]> {
  const twin = await scene.twin()
  const { names } = twin
  const works = await listedNameWorks(twin)
  const refused = await attemptAll(twin, [
    {
      name: names.refused,
      request: connectTo(names.refused),
      follow: { hello: names.refused },
    },
  ])
  // On the way out only: a name that is granted a private range is reached without the parent, to check its address.
  const proxy = (await twin.addresses('proxy')).filter(address =>
    isInRange(twin.network.outside, address),
  )
  const direct = (await twin.seen()).filter(
    event =>
      event.kind === 'connection' && proxy.includes((event.from ?? '').replace(/^::ffff:/, '')),
  )
  return [
    works,
    noneReached('what the parent proxy refuses is not reached', refused),
    check(
      dialled,
      direct.length === 0,
      `the canary saw ${direct.length} connections of the proxy itself`,
    ),
  ]
}

function ownFolder(scene: Scene): Check {
  return everyService(
    scene,
    'only the proxy mounts the folder with the password, read-only',
    ({ Mounts }, service) => {
      const mount = Mounts.find(({ Destination }) => Destination === parentFolder)
      if (service === serviceOfEgress) {
        if (!mount) return 'does not mount it'
        return mount.RW ? 'can write to it' : null
      }
      return mount ? 'mounts it too' : null
    },
  )
}

function passwordIsNowhere(scene: Scene, password: string): Promise<Check> {
  const claim = 'no environment, command line, log or description holds the password'
  return orUnknown(claim, async () => {
    const script = 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; true'
    const texts = await Promise.all(
      [...scene.inspections.containers].map(async ([service, { Id }]) => ({
        where: service,
        text: [
          (await scene.inside(service, ['sh', '-c', script])).stdout,
          ...(await scene.engine.logLines(Id, 5_000)),
        ].join('\n'),
      })),
    )
    const all = [...texts, { where: 'containers and networks', text: scene.inspections.text }]
    const forms = [password, encodeURIComponent(password)]
    const places = all
      .filter(({ text }) => forms.some(form => holdsSecret(text, form)))
      .map(({ where }) => where)
    return check(
      claim,
      places.length === 0,
      places.length > 0 ? `found in: ${places.join(', ')}` : `${all.length} places searched`,
    )
  })
}
