import { styleText } from 'node:util'
import { messageOf } from '../base/errors.ts'
import type { StackAgent } from '../operations/remembered-stack/memory.ts'
import { renderMessage } from './render/message.ts'
import { hasColours } from './terminal.ts'

/** A session, a shell or a run that has just ended, or a session that was detached. */
export type EndedSession = StackAgent & { since: Date; verbose?: boolean; ofRun?: boolean }

/** Returns messages for the user to read now; none when everything is normal. */
type Notice = (session: EndedSession, signal: AbortSignal) => Promise<string[]>

/** Loaded on demand, so that opening a session does not wait for them. */
const notices: readonly Notice[] = [
  async session => {
    const { hostFilesNotice, withdrawnNotice } = await import('../operations/notices.ts')
    return [...(await withdrawnNotice(session)), ...(await hostFilesNotice(session))]
  },
  async (session, signal) =>
    (await import('../operations/notices.ts')).blockedNotice(session, signal),
  async ({ since, ...agent }, signal) =>
    (await import('../operations/notices.ts')).directSince({ ...agent, from: since }, signal),
  async (session, signal) =>
    (await import('../operations/copy/copy-notice.ts')).copyNotice(session, signal),
  async session =>
    // In a script, each of many runs would repeat it.
    session.ofRun && !process.stderr.isTTY
      ? []
      : (await import('../operations/notices.ts')).stackNotice(session),
]

/** Milliseconds before slower results are dropped: the user wants the terminal back. */
const patience = 3_000

/** Maximum characters of a line: lists of files are long, and are read once. */
const lineLimit = 2_000

/**
 * Reports on stderr what the session left behind. Never fails, because the exit status is the
 * session's; `--verbose` shows what could not be determined.
 */
export async function afterSession(session: EndedSession): Promise<void> {
  // Closing the terminal is one way to end a session.
  process.stderr.on('error', () => {})
  const controller = new AbortController()
  const { signal } = controller
  const tooLate = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  // Not AbortSignal.timeout, whose timer would let the process exit before this reports.
  const timer = setTimeout(() => controller.abort(new Error('timed out')), patience)
  const found = notices.map(notice => Promise.race([notice(session, signal), tooLate]))
  for (const result of await Promise.allSettled(found)) {
    const lines =
      result.status === 'fulfilled'
        ? result.value.map(line => renderMessage(line, lineLimit))
        : failed(result.reason, session)
    for (const line of lines) process.stderr.write(`${line}\n`)
  }
  clearTimeout(timer)
}

function failed(reason: unknown, { verbose }: EndedSession) {
  if (!verbose) return []
  const text = renderMessage(messageOf(reason))
  return [hasColours(process.stderr) ? styleText('dim', text) : text]
}
