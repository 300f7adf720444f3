import { createByteBudget, holderOf } from '../../tenants/byte-budget.ts'
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

/** The responses of one token. */
type Owner = { caller: Caller; kept: Map<string, Kept> }

/** Maximum numbers of what is kept. */
export const keptLimits = {
  /** Responses of one token. */
  number: 200,
  /** Bytes of the responses of one token. */
  bytes: 16 * 1024 * 1024,
  /** Bytes of the responses of all tokens: of the server's memory, of which the default is 512 MiB. */
  totalBytes: 64 * 1024 * 1024,
}

/**
 * Keeps responses for `previous_response_id`, each for its own token alone. A token that keeps much loses its
 * own oldest, and a tenant with many tokens those of its own tokens; a tenant's part of the memory stays free for it.
 */
export function createKeptResponses(options: {
  now: () => Date
  hours: number
  /** Returns the number of tenants. */
  tenants: () => number
  limits?: typeof keptLimits
}) {
  const { now, hours, tenants, limits = keptLimits } = options
  const owners = new Map<string, Owner>()
  const budget = createByteBudget({ total: limits.totalBytes, each: limits.bytes, tenants })
  // A token that was added again under its name is another one.
  const keyOf = ({ tenant, token: { name, sha256 } }: Caller) =>
    JSON.stringify([tenant.name, name, sha256])

  function drop({ caller, kept }: Owner, id: string): boolean {
    const one = kept.get(id)
    if (!one) return false
    budget.give(holderOf(caller), one.bytes)
    return kept.delete(id)
  }

  // A Map lists the oldest first.
  function prune(owner: Owner) {
    for (const [id, { until }] of owner.kept) {
      if (owner.kept.size <= limits.number && until > now().getTime()) return
      drop(owner, id)
    }
  }

  /** Takes memory for a response of a token; false when there is none, because it is too large or others use it. */
  function takeRoom(own: Owner, bytes: number): boolean {
    if (bytes > limits.bytes) return false
    const holder = holderOf(own.caller)
    const isOfTenant = ({ caller }: Owner) => caller.tenant.name === holder.tenant
    const inTurn = [
      own,
      ...[...owners.values()].filter(owner => owner !== own && isOfTenant(owner)),
    ]
    for (const owner of inTurn) {
      for (const id of owner.kept.keys()) {
        if (budget.take(holder, bytes)) return true
        drop(owner, id)
      }
    }
    return budget.take(holder, bytes)
  }

  return {
    keep(caller: Caller, response: ResponseObject, messages: readonly ChatMessage[]) {
      const owner = owners.get(keyOf(caller)) ?? { caller, kept: new Map<string, Kept>() }
      owners.set(keyOf(caller), owner)
      const bytes = Buffer.byteLength(JSON.stringify([response, messages]))
      if (!takeRoom(owner, bytes)) return
      const until = now().getTime() + hours * 3_600_000
      owner.kept.set(response.id, { response, messages, bytes, until })
      prune(owner)
    },

    find(caller: Caller, id: string): Kept | null {
      const owner = owners.get(keyOf(caller))
      if (!owner) return null
      prune(owner)
      return owner.kept.get(id) ?? null
    },

    forget(caller: Caller, id: string): boolean {
      const owner = owners.get(keyOf(caller))
      return owner ? drop(owner, id) : false
    },

    /** Forgets the responses of tokens that were revoked, and those whose time is over. */
    forgetOld(isInForce: (caller: Caller) => boolean) {
      for (const [key, owner] of owners) {
        prune(owner)
        if (!isInForce(owner.caller)) for (const id of owner.kept.keys()) drop(owner, id)
        if (owner.kept.size === 0) owners.delete(key)
      }
    },
  }
}
export type KeptResponses = ReturnType<typeof createKeptResponses>
