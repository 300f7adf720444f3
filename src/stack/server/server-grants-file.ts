import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { parseServerGrantsEvent } from '../../egress/proxy-log.ts'
import {
  parseServerGrants,
  renderServerGrants,
  type ServerGrant,
} from '../../egress/server-grants.ts'
import type { Engine } from '../../engine/engine.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { ServerFolder } from './server-folder.ts'

/** As in proxy/policy.sh. */
const largest = 64 * 1024

type Folder = Pick<ServerFolder, 'grants'>

export function serverGrantsPath({ grants }: Folder): string {
  return join(grants, 'grants.list')
}

/** Reads the grants of a server. */
export async function readServerGrants(folder: Folder): Promise<ServerGrant[]> {
  const path = serverGrantsPath(folder)
  const file = await readRegularFile(path, { limit: largest })
  if (file.kind === 'missing') return []
  if (file.kind === 'bytes') return parseServerGrants(file.bytes.toString(), path)
  throw new UserError(
    `${terminalLine(path)} is ${file.kind === 'too-large' ? 'larger than 64 KiB' : 'not a regular file'}`,
    { hint: 'remove it; then grant the names again' },
  )
}

/** Replaces the grants, and returns the file's text. The proxy's user must be able to read it. */
export async function writeServerGrants(
  folder: Folder,
  grants: readonly ServerGrant[],
): Promise<string> {
  const text = renderServerGrants(grants)
  await replaceFile(serverGrantsPath(folder), text, { mode: 0o644, durable: true })
  return text
}

/** Waits until the proxy reports what became of a grants file with this digest. */
export async function serverGrantsOutcome(
  engine: Pick<Engine, 'followLog'>,
  container: string,
  options: { digest: string; since: Date; patience: number },
): Promise<'loaded' | 'silent' | { refused: string }> {
  const found = new AbortController()
  let outcome: 'loaded' | 'silent' | { refused: string } = 'silent'
  const log = { tail: 'all', follow: true, since: options.since.getTime() / 1000 } as const
  const reading = engine.followLog(container, { ...log, signal: found.signal }, line => {
    const event = parseServerGrantsEvent(line)
    if (event?.server !== options.digest) return
    outcome = event.event === 'grants-loaded' ? 'loaded' : { refused: event.text }
    found.abort()
  })
  const late = sleep(options.patience, undefined, { signal: found.signal }).catch(() => {})
  await Promise.race([reading, late])
  found.abort()
  await reading.catch(() => {})
  return outcome
}
