import { dirname } from 'node:path'
import { serverFolder } from '../../stack/server/server-folder.ts'
import { tenantParts } from '../../stack/services.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import type { InspectedMount } from '../mounts.ts'
import { type Check, check, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** Files of the server and of the proxy, at their paths there and at those that a wrong mount would have. */
const foreignPaths = [
  '/etc/claude-secure/server/tokens.json',
  '/etc/claude-secure/server/tenants.json',
  '/etc/claude-secure/server-grants',
  '/var/lib/claude-secure/grants',
  '/etc/claude-secure/proxy/squid.conf',
  '/etc/claude-secure/folder',
  '/var/lib/claude-secure/server',
  '/var/lib/claude-secure/usage',
  '/run/secrets/workers',
  '/run/secrets/credential',
  '/run/secrets/webhook',
  '/run/secrets/telegram',
  '/etc/claude-secure/telegram',
  '/run/claude-secure/workers',
]

/** A tenant's worker holds what is its tenant's, and nothing of the server or of another tenant. */
export const workerHoldings: Probe = {
  id: 'W2',
  title: 'files, tokens and sockets of the server and of another tenant',
  attack: "open the server's tokens, store and lists, and another tenant's files, home and socket",
  standards: [standards.hostFolders, standards.separation],
  async run(scene) {
    const tenants = scene.tenants ?? []
    const checks = tenants.map(tenant =>
      Promise.all([
        mountsItsOwn(scene, tenant),
        orUnknown(opens(tenant), () => opensNothing(scene, tenant)),
      ]),
    )
    return (await Promise.all(checks)).flat()
  },
}

function mountsItsOwn(scene: Scene, tenant: string): Check {
  const { service } = tenantParts(tenant)
  const { Mounts } = scene.service(service)
  const foreign = Mounts.filter(mount => !isOwn(scene, tenant, mount))
  return check(
    `${service} mounts what is its tenant's`,
    Mounts.some(({ Destination }) => Destination === '/workspaces') && foreign.length === 0,
    foreign.length > 0
      ? list(foreign.map(({ Destination, Source, Name }) => `${Name ?? Source} at ${Destination}`))
      : `${Mounts.length} mounts`,
  )
}

/** Judges a mount by its source: the target says nothing of whose it is. */
function isOwn(scene: Scene, tenant: string, { Source, Name, Type, Destination }: InspectedMount) {
  const { home, sockets } = tenantParts(tenant)
  const { stack } = scene.stack
  if (Type === 'volume') {
    // The owner's uid ends the name: the volume of the tenant `a-b` begins like that of `a`.
    const owned = (Name ?? '').replace(/-\d+$/, '')
    return [home, sockets].some(volume => owned === `${stack}_${volume}`)
  }
  const state = stateFolder(stack)
  const { meterKeys, runnerTokens } = serverFolder(state)
  if (Destination === '/workspaces') return Source.endsWith(`/${tenant}`)
  if (Destination === '/run/secrets/runner-token') return Source === `${runnerTokens}/${tenant}`
  if (Destination === '/run/secrets/meter-key') return Source === `${meterKeys}/${tenant}`
  // The rest is alike in each worker: C2 has the list.
  return [state.path, state.authorities].includes(dirname(Source))
}

const opens = (tenant: string) =>
  `${tenantParts(tenant).service} opens no file of the server or of another tenant`

async function opensNothing(scene: Scene, tenant: string): Promise<Check> {
  const { service } = tenantParts(tenant)
  const others = (scene.tenants ?? []).filter(name => name !== tenant)
  const paths = [
    ...foreignPaths,
    ...others.flatMap(name => [`/workspaces/${name}`, `/run/claude-secure/workers/${name}`]),
  ]
  const attacker = scene.attackerIn(service)
  const own = await attacker.run(['test', '-S', '/run/claude-secure/runner.sock'])
  if (own.code !== 0) throw new Error('the socket of its own runner is not there')
  // A workspace can have the name of a tenant: another file system shows that it is a mount.
  const script =
    'for p; do [ -e "$p" ] && [ "$(stat -c %d "$p")" != "$(stat -c %d /workspaces)" ] && echo "$p"; done; true'
  const found = await attacker.run(['sh', '-c', script, 'sh', ...paths])
  const there = found.stdout.split('\n').filter(Boolean)
  return check(
    opens(tenant),
    found.code === 0 && there.length === 0,
    there.length > 0 ? list(there) : `${paths.length} paths tried`,
  )
}
