import { stat } from 'node:fs/promises'
import type { BindMount } from '../../stack/repository.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { isServiceData } from '../added-services.ts'
import { standards } from '../audit-report.ts'
import type { InspectedContainer } from '../inspections.ts'
import { declaredMounts, isEngineSocket, unexpectedMounts, writableMounts } from '../mounts.ts'
import { livePrivileges, requestedPrivileges } from '../privileges.ts'
import {
  type Check,
  check,
  everyService,
  everyServiceLive,
  orUnknown,
  type Probe,
} from '../probe.ts'
import { expectedRepository } from '../repository.ts'
import type { Scene } from '../scene.ts'

/** Ways out of a container: root's rights, calls into the kernel, devices, the engine's socket. */
export const privileges: Probe = {
  id: 'C2',
  title: 'privileges, devices and sockets that lead out of a container',
  attack:
    'write to the system, run programs from scratch folders, mount, create namespaces and devices',
  standards: [
    standards.appArmor,
    standards.capabilities,
    standards.privileged,
    standards.hostFolders,
    standards.hostNetwork,
    standards.readOnlyRoot,
    standards.hostProcesses,
    standards.hostIpc,
    standards.devices,
    standards.propagation,
    standards.hostNames,
    standards.seccomp,
    standards.newPrivileges,
    standards.hostUsers,
    standards.engineSocket,
    standards.noSocket,
    standards.user,
    standards.fewCapabilities,
    standards.escalation,
    standards.securityModules,
    standards.readOnly,
    standards.runtimeConfiguration,
  ],
  async run(scene) {
    const elsewhere = await expectedRepository(scene)
    const asked = requestedPrivileges.map(([claim, defect]) => everyService(scene, claim, defect))
    const rest = await Promise.all([
      ...livePrivileges.map(([claim, defect]) => everyServiceLive(scene, claim, defect)),
      ...mounts(scene, elsewhere),
      writesNothing(scene),
      runsNothing(scene),
      callsNothing(scene),
      ...owners(scene),
    ])
    return [...asked, ...rest]
  },
}

/** `elsewhere`: the mounts of a repository that is not in the workspace; H1 attacks them. */
function mounts(scene: Scene, elsewhere: readonly BindMount[]): (Check | Promise<Check>)[] {
  const { stack, engine } = scene
  const isMounted = stack.workspaceMode !== 'copy' && scene.tenants === null
  const workspace = isMounted ? stack.workspace : null
  const also = (container: InspectedContainer) => [...declaredMounts(container), ...elsewhere]
  return [
    everyService(
      scene,
      'every mount is one that the design expects',
      (container, service) =>
        unexpectedMounts(service, unlessData(service, container), workspace, also(container)).join(
          ', ',
        ) || null,
    ),
    everyService(
      scene,
      'every mount that should be read-only is read-only',
      (container, service) =>
        writableMounts(service, unlessData(service, container), also(container)).join(', ') || null,
    ),
    ...declaredWritable(scene),
    noSocket(scene, 'socketPath' in engine.address ? engine.address : null),
  ]
}

/** Leaves out the data volumes of services that the user approved. */
function unlessData(service: string, container: InspectedContainer) {
  return container.Mounts.filter(mount => !isServiceData(service, mount, container))
}

/**
 * Returns `weak` and not `open`, because the user declared these folders; the agent may still leave
 * hooks in them.
 */
function declaredWritable(scene: Scene): Check[] {
  const folders = scene.agents
    .flatMap(name => declaredMounts(scene.service(name)))
    .filter(({ writable }) => writable)
    .map(({ source }) => source)
  if (folders.length === 0) return []
  const evidence = `CLAUDE_MOUNT_… makes writable: ${[...new Set(folders)].join(', ')}`
  return [
    {
      claim: 'the workspace is the only folder of the host that the agent can write to',
      verdict: 'weak',
      evidence,
    },
  ]
}

/** Checks that a service runs as the owner of its files on the host, without further rights. */
function owners(scene: Scene): Promise<Check>[] {
  const { stack, service } = scene
  return [
    // A copy has no owner on the host.
    ...scene.agents.flatMap(name => {
      const workspace = service(name).Mounts.find(
        ({ Destination, Type }) => /^\/workspaces?$/.test(Destination) && Type === 'bind',
      )
      return workspace ? [runsAsOwner(scene, name, workspace.Source)] : []
    }),
    ...(scene.inspections.containers.has('gateway')
      ? [runsAsOwner(scene, 'gateway', stateFolder(stack.stack).credential)]
      : []),
  ]
}

async function runsAsOwner(scene: Scene, service: string, path: string): Promise<Check> {
  const claim = `${service} runs as the owner of its files on the host`
  const owner = await stat(path).catch(() => null)
  const { User } = scene.service(service).Config
  if (!owner) return { claim, verdict: 'unknown', evidence: `cannot stat ${path}` }
  return check(claim, User.split(':')[0] === `${owner.uid}`, `user ${User}, owner ${owner.uid}`)
}

async function noSocket(scene: Scene, engine: { socketPath: string } | null) {
  const found = await Promise.all(
    [...scene.inspections.containers].flatMap(([service, { Mounts }]) =>
      Mounts.map(async mount =>
        (await isEngineSocket(mount, engine)) ? `${service} has ${mount.Source}` : null,
      ),
    ),
  )
  const sockets = found.filter(line => line !== null)
  return check(
    'no service has a socket of the container engine',
    sockets.length === 0,
    sockets.join('; ') || `${found.length} mounts checked on the host`,
  )
}

/** Name of the file that a probe tries to create, and removes at once. */
const trace = '.claude-secure-audit'

function writesNothing(scene: Scene) {
  const folders =
    '/ /bin /etc /etc/claude-code /opt /root /sbin /srv /usr /usr/bin /usr/lib'.concat(
      ' /usr/local/bin /var /var/lib /var/tmp /sys/fs/cgroup /proc/sys/kernel',
    )
  const script = `for d in ${folders}; do [ -d "$d" ] || continue
    f="$d/${trace}-$$"; echo "tried $d"
    if (: > "$f") 2>/dev/null; then echo "wrote $d"; rm -f "$f"; fi
  done`
  return tried('the agent cannot write to the system', scene, script, 'wrote')
}

function runsNothing(scene: Scene) {
  const script = `for d in /tmp /run /dev/shm /var/tmp; do [ -d "$d" ] || continue
    f="$d/${trace}-$$"; echo "tried $d"
    if cp /bin/true "$f" 2>/dev/null && chmod 700 "$f" && "$f" 2>/dev/null; then echo "ran $d"; fi
    rm -f "$f" 2>/dev/null
  done`
  return tried('the agent cannot run a program from a scratch folder', scene, script, 'ran')
}

/** Runs a script that prints `tried X` for each attempt, and `<word> X` for each that succeeded. */
function tried(claim: string, { agent }: Scene, script: string, word: string) {
  return orUnknown(claim, async () => {
    const { stdout } = await agent.run(['sh', '-c', script])
    return judgeTries(claim, stdout, word)
  })
}

function judgeTries(claim: string, stdout: string, word: string): Check {
  const lines = stdout.split('\n')
  const after = (start: string) =>
    lines.filter(line => line.startsWith(`${start} `)).map(line => line.slice(start.length + 1))
  const attempts = after('tried')
  const successes = after(word)
  if (attempts.length === 0) {
    return { claim, verdict: 'unknown', evidence: 'cannot run a program in the container' }
  }
  return check(
    claim,
    successes.length === 0,
    successes.length > 0
      ? `${word}: ${successes.join(', ')}`
      : `${attempts.length} places tried: ${attempts.join(' ')}`,
  )
}

/** Operations of root. Each exits with 0 if it is allowed, and makes no lasting change. */
const calls: readonly [name: string, command: readonly string[]][] = [
  ['mount', ['sh', '-c', 'mount -t tmpfs none /mnt && umount /mnt']],
  ['user namespace', ['unshare', '--user', 'true']],
  ['mount namespace', ['unshare', '--mount', 'true']],
  ['namespaces of the first process', ['nsenter', '--target', '1', '--mount', 'true']],
  ['chroot', ['chroot', '/', '/bin/true']],
  ['device', ['sh', '-c', `mknod /tmp/${trace}-$$ b 7 0 && rm -f /tmp/${trace}-$$`]],
  ['kernel log', ['dmesg']],
  ['root', ['setpriv', '--reuid=0', '--clear-groups', 'true']],
  ['raw packets', ['perl', '-MSocket', '-e', 'socket(my $s, AF_INET, SOCK_RAW, 1) or exit 1']],
  // Opens the file without writing: if this works, it is the host's file.
  ['kernel settings', ['sh', '-c', ': >> /proc/sys/kernel/core_pattern']],
]

function callsNothing({ agent }: Scene) {
  const claim = 'the kernel refuses the agent the operations of root'
  return orUnknown(claim, () => callAll(claim, agent))
}

async function callAll(claim: string, agent: Scene['agent']): Promise<Check> {
  const results = await Promise.all(
    calls.map(async ([name, command]) => ({ name, ...(await agent.run(command, 5_000)) })),
  )
  // A missing program proves no refusal.
  const ran = results.filter(({ stderr }) => stderr !== 'ENOENT')
  const allowed = ran.filter(({ code }) => code === 0)
  if (ran.length === 0)
    return { claim, verdict: 'unknown', evidence: 'no operation could be tried' }
  return check(
    claim,
    allowed.length === 0,
    allowed.length > 0
      ? `allowed: ${allowed.map(({ name }) => name).join(', ')}`
      : `${ran.length} tried: ${ran.map(({ name }) => name).join(', ')}`,
  )
}
