import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, ok, warning } from './diagnosis.ts'

/** A file or folder that is for its owner alone, and its permission bits; null when it is not there. */
export type Guarded = { path: string; mode: number | null }

/** Where secrets are kept: .env, the folders of stacks, and the files their gateways read. */
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
    ...(envFile ? [judge('env-file', envFile, '.env is for its owner alone')] : []),
    ...collect(state),
  ]
}

function collect(guarded: readonly Guarded[]): Check[] {
  const open = guarded.filter(isOpen)
  if (open.length > 0) return open.map(item => judge('state-modes', item, ''))
  return [ok('state-modes', 'what stacks keep is for its owner alone')]
}

function judge(id: string, { path, mode }: Guarded, good: string): Check {
  if (mode === null) return ok(id, `there is no ${path}`)
  if (!isOpen({ path, mode })) return ok(id, good)
  const closed = mode & 0o700
  return warning(id, `${path} can be read by others`, `chmod ${closed.toString(8)} ${path}`, {
    kind: 'set-mode',
    path,
    mode: closed,
  })
}

function isOpen({ mode }: Guarded) {
  return mode !== null && (mode & 0o077) !== 0
}
