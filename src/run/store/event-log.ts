import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { RunEvent } from '../event.ts'

/** Maximum bytes of one log. The store keeps at most two hundred runs of this size. */
const logBytes = 8 * 1024 * 1024

/**
 * Writes a run's events to a file, one per line. Partial messages are left out, because the whole message
 * follows them. A full disk loses the log, but does not fail the run.
 */
export function createEventLog(path: string) {
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
  let left = logBytes
  let broken = false
  file.on('error', () => {
    broken = true
  })
  return {
    async append(event: RunEvent): Promise<void> {
      if (broken || left <= 0) return
      if (event.kind === 'claude' && event.message.type === 'stream_event') return
      const line = `${JSON.stringify(event)}\n`
      left -= Buffer.byteLength(line)
      const text =
        left > 0
          ? line
          : `${JSON.stringify({ ...event, kind: 'notice', text: full, message: undefined })}\n`
      if (!file.write(text)) await Promise.race([once(file, 'drain'), once(file, 'close')])
    },

    /** Resolves once all events so far are in the file. */
    async flush(): Promise<void> {
      if (broken || file.closed) return
      await Promise.race([
        new Promise<void>(resolve => file.write('', () => resolve())),
        once(file, 'close').catch(() => {}),
      ])
    },

    async end(): Promise<void> {
      if (broken || file.closed) return
      file.end()
      await once(file, 'close').catch(() => {})
    },
  }
}

const full = 'the log of this run is full'
