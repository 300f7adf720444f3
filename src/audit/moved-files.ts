import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { readProtection } from '../stack/protection.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { isObeyed } from '../workspace/overlay/withdraw.ts'
import { list } from './attempts.ts'
import { type Check, check } from './probe.ts'
import type { Scene } from './scene.ts'

/**
 * Checks the files that have no mount because they were missing at the start: the host obeys one that
 * appears until it is moved away, and it is moved away only if the start listed it. Returns the names that
 * were missing then.
 */
export async function movedFiles(
  scene: Pick<Scene, 'stack'>,
  workspace: string,
  names: readonly string[],
): Promise<{ missing: readonly string[]; checks: Check[] }> {
  const record = await readProtection(stateFolder(scene.stack.stack))
  const missing = (record?.absent ?? []).filter(name => names.includes(name))
  const present = new Set<string>()
  for (const name of names) {
    const status = await lstat(join(workspace, name)).catch(() => null)
    if (status && isObeyed(name, status)) present.add(name)
  }
  const appeared = missing.filter(name => present.has(name))
  const unlisted = names.filter(name => !present.has(name) && !missing.includes(name))
  return {
    missing,
    checks: [
      check(
        'no file has appeared that the host obeys and that was missing at the start',
        appeared.length === 0,
        appeared.length > 0
          ? `the agent wrote ${list(appeared.map(name => `/workspace/${name}`))}: a program of the host obeys it, after a question or without one, until the end of the session, or ${command('stop')}, moves it away`
          : `${missing.length} names are watched: ${list(missing)}`,
      ),
      check(
        'the end of a session moves such a file away if it appears',
        unlisted.length === 0,
        unlisted.length > 0
          ? `not listed at the start: ${list(unlisted)}; run ${command('stop')} and ${command('start')}`
          : `${missing.length} names are listed in the state folder of the stack`,
      ),
    ],
  }
}
