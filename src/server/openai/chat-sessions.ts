import type { Caller } from '../../tenants/tokens.ts'

/** Maximum number of conversations that are remembered. */
const most = 2_000

/**
 * Remembers which session of Claude Code has which past. A client sends the whole conversation each time: when
 * it is the one that was answered here last, the session goes on with the new message alone. An edited
 * conversation has another past, and begins a session.
 */
export function createChatSessions() {
  const sessions = new Map<string, string>()
  const keyOf = ({ tenant }: Caller, workspace: string, past: string) =>
    JSON.stringify([tenant.name, workspace, past])

  return {
    find: (caller: Caller, workspace: string, past: string | null) =>
      past === null ? null : (sessions.get(keyOf(caller, workspace, past)) ?? null),

    remember(caller: Caller, workspace: string, past: string, sessionId: string) {
      sessions.set(keyOf(caller, workspace, past), sessionId)
      // A Map lists the oldest first.
      const [oldest] = sessions.keys()
      if (sessions.size > most && oldest !== undefined) sessions.delete(oldest)
    },

    forget(caller: Caller, workspace: string, past: string | null) {
      if (past !== null) sessions.delete(keyOf(caller, workspace, past))
    },
  }
}
export type ChatSessions = ReturnType<typeof createChatSessions>
