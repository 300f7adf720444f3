import { serverFolder } from '../../stack/server/server-folder.ts'
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
import { type Check, check, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** The ceiling bounds the grants, also those that a taken-over server writes. */
export const ceilingOfGrants: Probe = {
  id: 'W7',
  title: 'more than the ceiling of grants allows',
  attack: 'grant a name that grantable_sites does not have, and use a grant after its end',
  standards: [standards.networkAccess],
  async run(scene) {
    const opened = 'a grant below the ceiling opens its name to its tenant'
    return [
      await orUnknown(opened, async () => {
        const twin = await scene.twin()
        const [answer] = await attemptAll(twin, [attempt(twin.names.serverGranted)], 10_000)
        const through = answer !== undefined && reached(answer, twin.word)
        return check(opened, through, answer ? firstLine(answer) : 'no answer')
      }),
      ...(await closed(scene)),
      mounted(scene),
      await orUnknown(holdsOnly, () => holdsOnlyGrants(scene)),
    ]
  },
}

async function closed(scene: Scene): Promise<Check[]> {
  const twin = await scene.twin()
  const { serverAbove, serverExpired } = twin.names
  const [above, expired] = await Promise.all(
    [serverAbove, serverExpired].map(name => attemptAll(twin, [attempt(name)])),
  )
  return [
    noneReached('a granted name that the ceiling does not have stays closed', above ?? []),
    noneReached('a grant whose time is over opens nothing', expired ?? []),
  ]
}

function mounted({ service, stack }: Scene): Check {
  const { grants } = serverFolder(stateFolder(stack.stack))
  const target = '/etc/claude-secure/server-grants'
  const mount = service(serviceOfEgress).Mounts.find(({ Destination }) => Destination === target)
  return check(
    'the proxy reads the grants of this server, and cannot write them',
    mount?.Source === grants && !mount.RW,
    mount ? `${mount.Source}, ${mount.RW ? 'writable' : 'read-only'}` : 'it is not mounted',
  )
}

const holdsOnly = 'of the policy, the server holds the grants and no list'

/** The ceiling is a list of squid.conf: a server that writes that file has none. */
async function holdsOnlyGrants(scene: Scene): Promise<Check> {
  const { grants } = serverFolder(stateFolder(scene.stack.stack))
  const { Mounts } = scene.service('server')
  const own = Mounts.find(({ Destination }) => Destination === '/var/lib/claude-secure/grants')
  // A file of a workspace may have that name.
  const folders = Mounts.map(({ Destination }) => Destination).filter(
    path => !path.startsWith('/workspaces/'),
  )
  const script = 'find /etc "$@" -name "squid.conf*" 2> /dev/null'
  const { stdout } = await scene.inside('server', ['sh', '-c', script, 'sh', ...folders])
  const lists = [...new Set(stdout.split('\n').filter(Boolean))]
  return check(
    holdsOnly,
    own?.Source === grants && own.RW && lists.length === 0,
    lists.length > 0 ? list(lists) : own ? own.Source : 'its grants are not mounted',
  )
}

function attempt(host: string): Attempt {
  return { name: host, request: connectTo(host), follow: { hello: host } }
}
