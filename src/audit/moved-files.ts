import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { looseModes } from '../stack/loose-modes.ts'
import { readProtection, watchedFolders } from '../stack/protection.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { isObeyed } from '../workspace/overlay/withdraw.ts'
import { list } from './attempts.ts'
import { type Check, check, held, open } from './probe.ts'
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
      await modes(scene),
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

/** Checks for files that other users of the host would run as the owner of the folder. */
async function modes({ stack }: Pick<Scene, 'stack'>): Promise<Check> {
  const claim = 'no file of the agent has setuid or setgid bits'
  const watched = await watchedFolders(stateFolder(stack.stack))
  if (!watched) {
    return open(claim, `the start is not recorded; run ${command('stop')} and ${command('start')}`)
  }
  const found = await looseModes(watched)
  const setuid = found.flatMap(({ root, setuid }) => setuid.map(path => join(root, path)))
  const closed = found.flatMap(({ root, closed }) => closed.map(path => join(root, path)))
  const cutOff = found.find(({ cutOff }) => cutOff !== null)?.cutOff
  if (setuid.length > 0) {
    return open(
      claim,
      `${list(setuid)}: the end of the session, or ${command('stop')}, takes them off`,
    )
  }
  if (closed.length > 0) {
    return open(
      claim,
      `the agent closed ${list(closed)} to you: the end of the session, or ${command('stop')}, opens it`,
    )
  }
  return cutOff
    ? { claim, verdict: 'unknown', evidence: cutOff }
    : held(claim, 'all files were checked')
}
