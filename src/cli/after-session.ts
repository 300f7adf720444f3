import { styleText } from 'node:util'
import { command } from '../base/command.ts'
import { messageOf } from '../base/errors.ts'
import type { StackAgent } from '../operations/remembered-stack/memory.ts'
import { renderMessage } from './render/message.ts'
import { hasColours } from './terminal.ts'

/** A session, a shell or a run that has just ended, or a session that was detached. */
export type EndedSession = StackAgent & { since: Date; verbose?: boolean; ofRun?: boolean }

/** Returns messages for the user to read now; none when everything is normal. */
type Notice = (session: EndedSession, signal: AbortSignal) => Promise<string[]>

/** Settles and reports what the agent did to the files of the folder. */
const filesNotice: Notice = async session => {
  const { hostFilesNotice, withdrawnNotice } = await import('../operations/notices.ts')
  return [...(await withdrawnNotice(session)), ...(await hostFilesNotice(session))]
}

/** Loaded on demand, so that opening a session does not wait for them. */
const notices: readonly Notice[] = [
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

type Patience = {
  /** Milliseconds before slower results are dropped: the user wants the terminal back. */
  results: number
  /** The same for the files of the folder: an agent can make many, to have them pass unseen. */
  files: number
}

const patience: Patience = { results: 3_000, files: 20_000 }

/** Maximum characters of a line: lists of files are long, and are read once. */
const lineLimit = 2_000

/**
 * Reports on stderr what the session left behind. Never fails, because the exit status is the
 * session's; `--verbose` shows what could not be determined.
 */
export async function afterSession(
  session: EndedSession,
  { results, files } = patience,
): Promise<void> {
  // Closing the terminal is one way to end a session.
  process.stderr.on('error', () => {})
  const settled = within(files, signal => filesNotice(session, signal)).catch(error => [
    `the files that the agent changed were not all checked (${messageOf(error)}): run ${command('stop')} before you use them`,
  ])
  const found = notices.map(notice => within(results, signal => notice(session, signal)))
  for (const result of await Promise.allSettled([settled, ...found])) {
    const lines =
      result.status === 'fulfilled'
        ? result.value.map(line => renderMessage(line, lineLimit))
        : failed(result.reason, session)
    for (const line of lines) process.stderr.write(`${line}\n`)
  }
}

/** Rejects when the work takes longer. */
async function within(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<string[]>,
): Promise<string[]> {
  const controller = new AbortController()
  const { signal } = controller
  const tooLate = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  // Not AbortSignal.timeout, whose timer would let the process exit before this reports.
  const timer = setTimeout(() => controller.abort(new Error('timed out')), milliseconds)
  try {
    return await Promise.race([work(signal), tooLate])
  } finally {
    clearTimeout(timer)
  }
}

function failed(reason: unknown, { verbose }: EndedSession) {
  if (!verbose) return []
  const text = renderMessage(messageOf(reason))
  return [hasColours(process.stderr) ? styleText('dim', text) : text]
}
