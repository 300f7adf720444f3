import { styleText } from 'node:util'
import { messageOf } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { EndedSession } from './ended-session.ts'
import { hasColours } from './terminal.ts'

/** Lines that the person should read now, each ready for a terminal; none when all is as usual. */
type Notice = (session: EndedSession, signal: AbortSignal) => Promise<string[]>

/** Each is loaded here and not before: a session must not wait for what comes after it. */
const notices: readonly Notice[] = [
  async session => (await import('./host-files-notice.ts')).hostFilesNotice(session),
  async (session, signal) => (await import('./blocked-notice.ts')).blockedNotice(session, signal),
]

/** The terminal is wanted back: what is not known by then is not said. */
const patience = 3_000

/**
 * Tells on stderr what the session left behind. Its exit status has nothing to do with it, so nothing
 * here fails: with `--verbose` it is said what could not be found out.
 */
export async function afterSession(session: EndedSession): Promise<void> {
  // The terminal may be gone, which is one way in which sessions end.
  process.stderr.on('error', () => {})
  const controller = new AbortController()
  const { signal } = controller
  const tooLate = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  // Not AbortSignal.timeout, which would let the process end before it says how the session ended.
  const timer = setTimeout(() => controller.abort(new Error('it took too long')), patience)
  const found = notices.map(notice => Promise.race([notice(session, signal), tooLate]))
  for (const result of await Promise.allSettled(found)) {
    const lines = result.status === 'fulfilled' ? result.value : failed(result.reason, session)
    for (const line of lines) process.stderr.write(`${line}\n`)
  }
  clearTimeout(timer)
}

function failed(reason: unknown, { verbose }: EndedSession) {
  if (!verbose) return []
  const text = terminalLine(messageOf(reason), 500)
  return [hasColours(process.stderr) ? styleText('dim', text) : text]
}
