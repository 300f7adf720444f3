import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import type { Workspace } from '../workspace.ts'

const setpriv = '/usr/bin/setpriv'
const read = 'execute,read-file,read-dir'
const device = 'read-file,write-file,truncate'
const all =
  'execute,write-file,read-file,read-dir,remove-dir,remove-file,make-char,make-dir,make-reg,make-sock,make-fifo,make-block,make-sym,refer,truncate'

/** The rights that exist for a file: the kernel refuses a rule that gives a file the others. */
const ofFiles = ['execute', 'write-file', 'read-file', 'truncate']

const system = ['/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc', '/opt', '/var', '/proc', '/sys']
const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'pts'].map(
  name => `/dev/${name}`,
)
/** Shared folders that a run may use when the container has only one workspace. */
const shared = ['/tmp', '/dev/shm']

export type ConfineOptions = {
  /** Whether this is the only workspace that the container can have. */
  alone: boolean
  /** Mounted folders and files that are not the stack's own. */
  mounts: readonly string[]
}

/** Descriptor with which a confined process inherits its workspace, held open. */
export const heldDescriptor = 4
/** Path of the held workspace, in the process that inherited it. */
export const heldWorkspace = `/proc/self/fd/${heldDescriptor}`

export type PathKind = 'folder' | 'file' | null

/**
 * Returns the command that precedes claude's own, so that the kernel (Landlock) confines claude and its
 * child processes to the workspace, without access to other workspaces, their homes, or the runner's token.
 * Beside other workspaces the rule is for the held one: a run in a folder above can put a symlink to anything in the
 * place of its path (threat H2).
 */
export function confineCommand(
  workspace: Workspace,
  { alone, mounts }: ConfineOptions,
  kind: (path: string) => PathKind = kindOf,
): string[] {
  // A rule for a symlink opens its target. A run cannot replace its own temporary folder, because it may
  // not write to the one above. In a shared folder it could, so that one there would get no rule.
  const isShared = shared.some(folder => workspace.temporary.startsWith(`${folder}/`))
  const own = alone && isShared ? [] : [workspace.temporary]
  const temporary = [...(alone ? shared : []), ...own]
  const kindAt = (path: string) => (path === heldWorkspace ? 'folder' : kind(path))
  const rules = [
    ...system.map(path => [read, path] as const),
    ...devices.map(path => [device, path] as const),
    // Names are not secret there, and users and models list the folder.
    ...(alone ? [['read-dir', '/'] as const] : []),
    ...[alone ? workspace.path : heldWorkspace, workspace.home, ...temporary, ...mounts].map(
      path => [all, path] as const,
    ),
  ]
  return [
    setpriv,
    '--no-new-privs',
    '--landlock-access=fs',
    ...rules
      .filter(([, path]) => kindAt(path) !== null)
      .map(([access, path]) => [kindAt(path) === 'file' ? rightsOfFile(access) : access, path])
      .map(([access, path]) => `--landlock-rule=path-beneath:${access}:${path}`),
    '--',
  ]
}

function rightsOfFile(access: string): string {
  return access
    .split(',')
    .filter(right => ofFiles.includes(right))
    .join(',')
}

function kindOf(path: string): PathKind {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) return null
  return stats.isDirectory() ? 'folder' : 'file'
}

/** Tests Landlock by using it, because a kernel can include it without enabling it. */
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

/** Returns the mount points that were added to the stack's own, from /proc/self/mountinfo. */
export function addedMounts(mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): string[] {
  return mountinfo
    .split('\n')
    .map(line => line.split(' ')[4] ?? '')
    .map(path =>
      path.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8))),
    )
    .filter(path => path.startsWith('/') && !ownMounts.test(path))
}
