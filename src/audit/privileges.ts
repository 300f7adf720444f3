import type { InspectedContainer } from './inspections.ts'
import type { LiveFacts } from './live-facts.ts'
import type { Defect } from './probe.ts'
import { mountAt } from './proc-files.ts'

type Judge = (container: InspectedContainer) => Defect
type LiveJudge = (facts: LiveFacts, container: InspectedContainer) => Defect

/** Restrictions requested from the engine, by claim: they confine a process to its container. */
export const requestedPrivileges: readonly [claim: string, defect: Judge][] = [
  ['every service drops all capabilities', lacksCapDrop],
  [
    'no service gets a capability',
    ({ HostConfig: { CapAdd } }) => (CapAdd?.length ? `adds ${CapAdd.join(', ')}` : null),
  ],
  [
    'no service is privileged',
    ({ HostConfig: { Privileged } }) => (Privileged ? 'privileged' : null),
  ],
  ['no service can gain privileges', lacksNoNewPrivileges],
  ['no service is unconfined', unconfined],
  [
    'the root filesystem of every service is read-only',
    ({ HostConfig: { ReadonlyRootfs } }) => (ReadonlyRootfs ? null : 'is writable'),
  ],
  ['no service has a host device', devices],
  ['no service shares a namespace', sharedNamespaces],
  ['no service is configured to run as root', rootUser],
  ['no mount propagates later mounts', propagation],
  ['scratch folders are requested with noexec, nosuid and nodev', scratchOptions],
]

/** The same restrictions and more, as the kernel inside reports them. */
export const livePrivileges: readonly [claim: string, defect: LiveJudge][] = [
  ['no process has a capability', liveCapabilities],
  ['no process can gain privileges', ({ status }) => lineIsNot(status, 'NoNewPrivs', '1')],
  [
    'every process is filtered by seccomp',
    ({ status }, { HostConfig: { Runtime } }) =>
      // A sandbox kernel handles the system calls; its own filter is on the host.
      isSandbox(Runtime) ? null : lineIsNot(status, 'Seccomp', '2'),
  ],
  [
    'no process is root',
    ({ status }) => {
      const ids = status.flatMap(lines => [
        ...(lines.get('Uid') ?? ['?']),
        ...(lines.get('Gid') ?? []),
      ])
      return ids.some(id => id === '0' || id === '?') ? `ids ${[...new Set(ids)].join(', ')}` : null
    },
  ],
  [
    'the root filesystem is mounted read-only',
    ({ mounts }) => (mountAt(mounts, '/')?.options.includes('ro') ? null : '/ is writable'),
  ],
  ['scratch folders are mounted with noexec, nosuid and nodev', liveScratchOptions],
]

function lacksCapDrop({ HostConfig: { CapDrop } }: InspectedContainer) {
  const drops = (CapDrop ?? []).map(name => name.toUpperCase())
  return drops.includes('ALL') ? null : `drops ${drops.join(', ') || 'none'}`
}

function lacksNoNewPrivileges({ HostConfig: { SecurityOpt } }: InspectedContainer) {
  const has = (SecurityOpt ?? []).some(option => /^no-new-privileges([:=]true)?$/.test(option))
  return has ? null : 'lacks no-new-privileges'
}

/**
 * Checks seccomp, AppArmor, SELinux and the masked paths of /proc: the engine's defaults, or a
 * stricter AppArmor profile.
 */
function unconfined(container: InspectedContainer) {
  const { SecurityOpt, MaskedPaths, ReadonlyPaths } = container.HostConfig
  const bad = (SecurityOpt ?? []).filter(
    option =>
      /unconfined|^label[:=]disable/.test(option) || /^seccomp[:=](?!builtin$)/.test(option),
  )
  if (container.AppArmorProfile === 'unconfined') bad.push('AppArmor is off')
  if (MaskedPaths?.length === 0 || ReadonlyPaths?.length === 0) bad.push('/proc is not masked')
  return bad.length > 0 ? bad.map(option => option.slice(0, 60)).join(', ') : null
}

function devices({ HostConfig }: InspectedContainer) {
  const { Devices, DeviceRequests, DeviceCgroupRules } = HostConfig
  const count = [Devices, DeviceRequests, DeviceCgroupRules].flatMap(list => list ?? []).length
  return count > 0 ? `${count} devices or device rules` : null
}

function sharedNamespaces({ HostConfig }: InspectedContainer) {
  const { NetworkMode, PidMode, IpcMode, UTSMode, UsernsMode } = HostConfig
  const foreign = /^(host|container:|shareable)/
  const shared = Object.entries({
    network: NetworkMode,
    process: PidMode,
    IPC: IpcMode,
    UTS: UTSMode,
    user: UsernsMode,
  }).filter(([, mode]) => foreign.test(mode ?? ''))
  return shared.length > 0
    ? shared.map(([kind, mode]) => `${kind} namespace is ${mode?.slice(0, 30)}`).join(', ')
    : null
}

function rootUser({ Config: { User } }: InspectedContainer) {
  const [uid = '', gid = ''] = User.split(':')
  const root = (id: string) => id === 'root' || /^0+$/.test(id)
  return uid === '' || root(uid) || root(gid) ? `user "${User}"` : null
}

function propagation({ Mounts }: InspectedContainer) {
  const shared = Mounts.filter(({ Propagation }) => /shared|slave/.test(Propagation ?? ''))
  return shared.length > 0
    ? shared.map(({ Destination, Propagation }) => `${Destination} is ${Propagation}`).join(', ')
    : null
}

const scratch = ['/tmp', '/run']
const strict = ['noexec', 'nosuid', 'nodev']

function scratchOptions({ HostConfig: { Tmpfs } }: InspectedContainer) {
  const asked = Object.entries(Tmpfs ?? {}).map(([path, options]): [string, string[]] => [
    path,
    options.split(','),
  ])
  const missing = scratch.filter(path => !asked.some(([asked]) => asked === path))
  const loose = asked.flatMap(([path, options]) => missingOptions(path, options))
  return [...missing.map(path => `no mount at ${path}`), ...loose].join(', ') || null
}

function liveScratchOptions({ mounts }: LiveFacts) {
  return (
    [...scratch, '/dev/shm']
      .flatMap(path => {
        const mount = mountAt(mounts, path)
        return mount ? missingOptions(path, mount.options) : [`no mount at ${path}`]
      })
      .join(', ') || null
  )
}

function missingOptions(path: string, options: readonly string[]) {
  const missing = strict.filter(option => !options.includes(option))
  return missing.length > 0 ? [`${path} without ${missing.join(', ')}`] : []
}

function liveCapabilities({ status }: LiveFacts) {
  const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']
  const left = sets.filter(set =>
    status.some(lines => !/^0+$/.test(lines.get(set)?.[0] ?? (set === 'CapAmb' ? '0' : '?'))),
  )
  return left.length > 0 ? `capabilities in ${left.join(', ')}` : null
}

function lineIsNot(status: LiveFacts['status'], name: string, wanted: string) {
  const values = status.map(lines => lines.get(name)?.[0] ?? 'missing')
  return values.every(value => value === wanted) ? null : `${name} is ${values.join(' and ')}`
}

/**
 * Returns whether a runtime puts its own kernel between a container and the host, as gVisor and Kata
 * do. The seccomp status that such a kernel reports is not the host's.
 */
export function isSandbox(runtime: string | null | undefined): boolean {
  return /(^|[/.-])(runsc|kata)/.test(runtime ?? '')
}
