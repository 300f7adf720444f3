import type { ToolResult } from '../../run/client-tools.ts'
import type { Caller } from '../../tenants/tokens.ts'
import type { ToolCall } from './answer-feed.ts'
import type { ChatRun } from './chat-run.ts'

type Paused = { caller: Caller; chat: ChatRun; ids: readonly string[]; timer: NodeJS.Timeout }

const noResult = 'The client gave no result for this call.'

/**
 * Keeps the runs that wait for the results of their client's tools, each for its own token alone. A run whose
 * client does not come back ends at its deadline.
 */
export function createPausedRuns({ toolMilliseconds }: { toolMilliseconds: number }) {
  const byCall = new Map<string, Paused>()
  // A token that was added again under its name is another one.
  const keyOf = ({ tenant, token: { name, sha256 } }: Caller, id: string) =>
    JSON.stringify([tenant.name, name, sha256, id])

  function forget({ caller, ids, timer }: Paused) {
    clearTimeout(timer)
    for (const id of ids) byCall.delete(keyOf(caller, id))
  }

  return {
    keep(caller: Caller, chat: ChatRun, calls: readonly ToolCall[]) {
      const timer = setTimeout(chat.run.cancel, toolMilliseconds)
      const paused = { caller, chat, ids: calls.map(({ id }) => id), timer }
      for (const id of paused.ids) byCall.set(keyOf(caller, id), paused)
      const over = () => forget(paused)
      chat.run.result.then(over, over)
    },

    /** Returns the run that waits for these results, and the results of all its calls; null for none. */
    take(caller: Caller, results: readonly ToolResult[]) {
      const [paused] = results.flatMap(({ id }) => byCall.get(keyOf(caller, id)) ?? [])
      if (!paused) return null
      forget(paused)
      const all = paused.ids.map(
        (id): ToolResult =>
          results.find(result => result.id === id) ?? {
            ...{ id, isError: true },
            content: [{ type: 'text', text: noResult }],
          },
      )
      return { chat: paused.chat, results: all }
    },

    /** Ends the runs of tokens that were revoked, for which no caller can bring results any more. */
    endRevoked(isInForce: (caller: Caller) => boolean) {
      for (const paused of new Set(byCall.values())) {
        if (isInForce(paused.caller)) continue
        forget(paused)
        paused.chat.run.cancel()
      }
    },
  }
}
export type PausedRuns = ReturnType<typeof createPausedRuns>
