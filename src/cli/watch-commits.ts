import { terminalLine } from '../base/terminal-text.ts'
import type { Session } from '../git/session-record.ts'
import { openSessionView } from '../git/session-view.ts'
import { type WatchEvent, watchSession } from '../git/watch.ts'
import type { RunningAgent } from '../stack/inspect.ts'

/** Rings, and asks the terminal for a notification of the desktop (OSC 9); neither moves the cursor. */
export function renderAlert(text: string): string {
  return `\u0007\u001b]9;${terminalLine(text, 120)}\u0007`
}

/**
 * Brings the commits of a session to the repository while a terminal shows it, and tells each one. The screen is
 * Claude Code's: without `prints` nothing is written but the alert.
 */
export function watchInTerminal(
  session: Session,
  { address, container }: RunningAgent,
  { prints = false }: { prints?: boolean } = {},
): { stop: () => Promise<void>; ended: Promise<void> } {
  const controller = new AbortController()
  const { signal } = controller
  const tell = (event: WatchEvent) => {
    show(session, event, prints).catch(() => {})
  }
  const watching = watchSession(session, { address, container, signal }, tell).catch(() => {})
  return {
    /** Resolves when there is nothing to watch any more. */
    ended: watching,
    async stop() {
      controller.abort(new Error('the session was left'))
      await watching
    },
  }
}

async function show(session: Session, event: WatchEvent, prints: boolean) {
  const say = (text: string) => {
    if (process.stderr.isTTY) process.stderr.write(renderAlert(`claude-secure: ${text}`))
    if (prints) process.stdout.write(`${terminalLine(text, 300)}\n`)
  }
  switch (event.kind) {
    case 'interrupted':
      return
    case 'ended':
      if (prints) process.stdout.write(`session ${session.session} was stopped\n`)
      return
    case 'refused':
      return say(`session ${session.session}: ${event.message}`)
    case 'collected': {
      const { commits } = await openSessionView(session)
      const known = event.before.branch ?? event.before.base
      const at = commits.findIndex(({ id }) => id === known)
      const fresh = at < 0 ? commits : commits.slice(0, at)
      for (const { id, subject } of fresh.slice(0, 20).reverse()) {
        say(`${session.session}: commit ${id.slice(0, 10)} ${subject}`)
      }
      return
    }
    default:
      return event satisfies never
  }
}
