import { homedir } from 'node:os'
import { join, normalize } from 'node:path'
import { createProblems, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { overlaps } from '../files/beneath.ts'
import { customPrefixes } from './setting-names.ts'

/** A host folder or file that the user gives to the agent, as written in the setting. */
export type MountSetting = {
  /** `CLAUDE_MOUNT_DATA`, or another source of the mount, for messages. */
  name: string
  /** Absolute; not resolved yet. */
  source: string
  target: string
  writable: boolean
}

/** A mount from a source other than `.env`, in the same form. */
export type NamedMount = { name: string; value: string }

/**
 * Parses `src[:dst[:ro|rw]]`. Without dst the mount has the same path as on the host; without a mode it
 * is writable (both as in claudebox). Checks dst here, because that needs only its text.
 */
export function parseCustomMounts(
  values: Readonly<Record<string, string>>,
  more: readonly NamedMount[] = [],
): MountSetting[] {
  const problems = createProblems()
  const mounts = [
    ...Object.entries(values).map(([name, value]) => ({
      name: `${customPrefixes.mount}${terminalLine(name, 60)}`,
      value,
    })),
    ...more,
  ].flatMap(({ name, value }) => {
    try {
      return [parseMount(name, value)]
    } catch (error) {
      problems.add(error)
      return []
    }
  })
  problems.throwIfAny()
  for (const [index, { name, target }] of mounts.entries()) {
    const other = mounts.slice(0, index).find(one => overlaps(one.target, target))
    if (other) {
      throw new UserError(`${name} and ${other.name} overlap at ${show(target)}`, {
        hint: `give each a separate path: ${name}=/path:/mnt/one`,
      })
    }
  }
  return mounts
}

function parseMount(name: string, value: string): MountSetting {
  const parts = value.split(':')
  const [from = '', to, mode = 'rw', ...rest] = parts
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
  const strange = /[\x00-\x1f\x7f]/.test(value) || rest.length > 0 || !['ro', 'rw'].includes(mode)
  const source = absolute(from)
  const target = to === undefined ? source : absolute(to)
  if (strange || source === null || target === null) {
    throw new UserError(`${name}=${show(value)} is not of the form src[:dst[:ro]]`, {
      hint: 'use absolute paths: CLAUDE_MOUNT_1=/data/set:/mnt/set:ro',
    })
  }
  const taken = reserved.find(place => overlaps(place, target))
  if (taken) {
    throw new UserError(`${name} cannot be mounted at ${show(target)}: ${taken} is reserved`, {
      hint: `use another path in the container: ${name}=/path:/mnt/one`,
    })
  }
  return { name, source, target, writable: mode === 'rw' }
}

/** Container paths of the system, the stack's own files, or the workspace with its overlays. */
const reserved = [
  ...['/bin', '/boot', '/dev', '/etc', '/home/claude', '/lib', '/lib32', '/lib64', '/libx32'],
  ...['/opt/claude-secure', '/opt/gateway', '/proc', '/root', '/run', '/sbin', '/sys', '/usr'],
  ...['/tmp/claude-secure-session', '/var/cache', '/var/lib', '/var/run', '/var/spool'],
  ...['/workspace', '/workspace.git', '/workspaces'],
]

/** Returns null for a relative path or one with `..`: the checked path must be the mounted path. */
function absolute(path: string): string | null {
  const full = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
  if (!full.startsWith('/') || full.split('/').includes('..')) return null
  const clean = normalize(full)
  return clean.length > 1 ? clean.replace(/\/$/, '') : clean
}

function show(text: string) {
  return terminalLine(text, 200)
}
