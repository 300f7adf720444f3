import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { Workspace } from '../workspace.ts'

const setpriv = '/usr/bin/setpriv'
const read = 'execute,read-file,read-dir'
const device = 'read-file,write-file,truncate'
const all =
  'execute,write-file,read-file,read-dir,remove-dir,remove-file,make-char,make-dir,make-reg,make-sock,make-fifo,make-block,make-sym,refer,truncate'

const system = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc', '/opt', '/var', '/proc', '/sys']
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'pts'].map(
  name => `/dev/${name}`,
)
/** Nobody's, in a container with one workspace only. */
const shared = ['/tmp', '/dev/shm']

export type Surroundings = {
  /** Whether there can be other workspaces in this container. */
  alone: boolean
  /** Mounted folders besides those that the stack itself has. */
  mounts: readonly string[]
}

/**
 * What goes before claude's own arguments, so that the kernel (Landlock) keeps it and all that it
 * starts to its workspace: neither other workspaces, nor their homes, nor the runner's token.
 */
export function confineCommand(
  workspace: Workspace,
  { alone, mounts }: Surroundings,
  exists: (path: string) => boolean = existsSync,
): string[] {
  // A rule holds for what a link leads to. Where all of /tmp is a run's to write, it can put one in the
  // place of its own folder there, and needs no rule for that; elsewhere it cannot.
  const temporary = alone ? shared : [workspace.temporary]
  const rules = [
    ...system.map(path => [read, path] as const),
    ...devices.map(path => [device, path] as const),
    // Names are no secret there, and people and models look around.
    ...(alone ? [['read-dir', '/'] as const] : []),
    ...[workspace.path, workspace.home, ...temporary, ...mounts].map(path => [all, path] as const),
  ]
  return [
    setpriv,
    '--no-new-privs',
    '--landlock-access=fs',
    ...rules
      .filter(([, path]) => exists(path))
      .map(([access, path]) => `--landlock-rule=path-beneath:${access}:${path}`),
    '--',
  ]
}

/** By trying: a kernel can have it and not have it switched on. */
export function canConfine(): boolean {
  const { status } = spawnSync(
    setpriv,
    [
      '--no-new-privs',
      '--landlock-access=fs',
      `--landlock-rule=path-beneath:${read}:/usr`,
      '--',
      '/usr/bin/true',
    ],
    { stdio: 'ignore', timeout: 5_000 },
  )
  return status === 0
}

const ownMounts =
  /^\/($|(proc|sys|dev|run|etc|usr|workspace|workspaces)(\/|$)|(tmp|opt|var)$|home\/claude(\/|$))/

/** Mount points that somebody added to the stack's own, out of /proc/self/mountinfo. */
export function addedMounts(mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): string[] {
  return mountinfo
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .map(path =>
      path.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
    )
    .filter(path => path.startsWith('/') && !ownMounts.test(path))
}
