import type { Caller } from '../../tenants/tokens.ts'
import type { ChatMessage } from '../openai/chat-body.ts'
import type { ResponseObject } from './response.ts'

type Kept = {
  response: ResponseObject
  /** The conversation up to the answer, with it, and without instructions. */
  messages: readonly ChatMessage[]
  bytes: number
  until: number
}

/** Maximum number of responses, and of their bytes, that one token has. */
const mostKept = 200
const mostBytes = 16 * 1024 * 1024

/**
 * Keeps responses for `previous_response_id`, each for its own token alone. A token that keeps much loses its
 * own oldest, never those of another.
 */
export function createKeptResponses({ now, hours }: { now: () => Date; hours: number }) {
  const owners = new Map<string, { caller: Caller; kept: Map<string, Kept> }>()
  // A token that was added again under its name is another one.
  const keyOf = ({ tenant, token: { name, sha256 } }: Caller) =>
    JSON.stringify([tenant.name, name, sha256])

  function prune(kept: Map<string, Kept>) {
    let bytes = 0
    for (const one of kept.values()) bytes += one.bytes
    // A Map lists the oldest first.
    for (const [id, one] of kept) {
      const isOver = kept.size > mostKept || bytes > mostBytes
      if (!isOver && one.until > now().getTime()) return
      kept.delete(id)
      bytes -= one.bytes
    }
  }

  return {
    keep(caller: Caller, response: ResponseObject, messages: readonly ChatMessage[]) {
      const owner = keyOf(caller)
      const kept = owners.get(owner)?.kept ?? new Map<string, Kept>()
      owners.set(owner, { caller, kept })
      const bytes = Buffer.byteLength(JSON.stringify([response, messages]))
      kept.set(response.id, {
        response,
        messages,
        bytes,
        until: now().getTime() + hours * 3_600_000,
      })
      prune(kept)
    },

    find(caller: Caller, id: string): Kept | null {
      const kept = owners.get(keyOf(caller))?.kept
      if (!kept) return null
      prune(kept)
      return kept.get(id) ?? null
    },

    forget: (caller: Caller, id: string) => owners.get(keyOf(caller))?.kept.delete(id) ?? false,

    /** Forgets the responses of tokens that were revoked, and those whose time is over. */
    forgetOld(isInForce: (caller: Caller) => boolean) {
      for (const [owner, { caller, kept }] of owners) {
        prune(kept)
        if (kept.size === 0 || !isInForce(caller)) owners.delete(owner)
      }
    },
  }
}
export type KeptResponses = ReturnType<typeof createKeptResponses>
