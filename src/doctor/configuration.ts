import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findings } from '../egress/findings.ts'
import { type Check, ok, warning } from './diagnosis.ts'

/** A file or folder that only its owner may access, with its permission bits; null when it is missing. */
export type Guarded = { path: string; mode: number | null }

/** Reads the modes of the places that hold secrets: .env, the stacks' folders and credential files. */
export async function readModes(root: string, state: string): Promise<Guarded[]> {
  const stacks = join(state, 'stacks')
  const names = await readdir(stacks).catch(() => [])
  const paths = [
    join(root, '.env'),
    state,
    stacks,
    ...names.flatMap(name => [join(stacks, name), join(stacks, name, 'credential.json')]),
  ]
  return Promise.all(
    paths.map(async path => {
      const status = await stat(path).catch(() => null)
      return { path, mode: status ? status.mode & 0o7777 : null }
    }),
  )
}

export function judgeModes([envFile, ...state]: readonly Guarded[]): Check[] {
  return [
    ...(envFile ? [judge('env-file', envFile, 'only its owner can read .env')] : []),
    ...collect(state),
  ]
}

function collect(guarded: readonly Guarded[]): Check[] {
  const open = guarded.filter(isOpen)
  if (open.length > 0) return open.map(item => judge('state-modes', item, ''))
  return [ok('state-modes', "only their owner can read the stacks' state folders")]
}

function judge(id: string, { path, mode }: Guarded, good: string): Check {
  if (mode === null) return ok(id, `${path} does not exist`)
  if (!isOpen({ path, mode })) return ok(id, good)
  const closed = mode & 0o700
  return warning(id, `other users can read ${path}`, `run chmod ${closed.toString(8)} ${path}`, {
    kind: 'set-mode',
    path,
    mode: closed,
  })
}

function isOpen({ mode }: Guarded) {
  return mode !== null && (mode & 0o077) !== 0
}

/** Judges the squid.conf on disk. Throws if it cannot be parsed. */
export function judgeAllowlist(text: string, path: string): Check[] {
  const found = findings(text, path)
  if (found.length === 0) return [ok('allowlist', 'proxy/squid.conf contains the shipped policy')]
  return found.map(({ line, message, advice }) =>
    warning('allowlist', `proxy/squid.conf${line ? `:${line}` : ''}: ${message}`, advice),
  )
}
