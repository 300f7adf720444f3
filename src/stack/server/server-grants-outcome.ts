import { setTimeout as sleep } from 'node:timers/promises'
import { parseServerGrantsEvent } from '../../egress/proxy-log.ts'
import type { Engine } from '../../engine/engine.ts'

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
