import { parseJson } from '../../base/json.ts'
import type { Terms } from '../../usage/prices.ts'
import { createReferenceFinder } from './by-reference.ts'
import { JsonMembers } from './json-members.ts'

/** What a request may cost at most, as its body says. */
export interface Asked {
  /** Null if the body names no model, or more than one. */
  model: string | null
  /** Maximum output tokens. */
  maxTokens: number
  terms: Terms
  /** Input tokens that the body does not hold: the origin fetches what it names. */
  fetchedTokens: number
}

/** Output tokens of a request that does not say in a readable form how many it wants: above any model's maximum. */
export const unreadMaxTokens = 128_000

/** Input tokens of a request that names what the origin fetches: the largest context of any model. */
export const largestContext = 1_000_000

/**
 * Reads what decides the price from a request body as it passes. The caller writes the body, so a
 * name that occurs twice counts at its worst: the origin may take either.
 */
export function createRequestReader() {
  const models = new Set<string>()
  let maxTokens: number | null = null
  let readable = true
  const terms = { fast: false, unitedStates: false }
  const references = createReferenceFinder()
  const members = new JsonMembers(['model', 'max_tokens', 'speed', 'inference_geo'], {
    limit: 1024,
    onFound(name, text) {
      const value = parseJson(text)
      if (name === 'speed') terms.fast ||= value !== 'standard'
      else if (name === 'inference_geo') terms.unitedStates ||= value !== 'global'
      else if (name === 'model' && typeof value === 'string') models.add(value)
      else if (name === 'max_tokens' && isCount(value)) maxTokens = Math.max(maxTokens ?? 0, value)
      else readable = false
    },
  })
  return {
    write(chunk: Buffer) {
      members.write(chunk)
      references.write(chunk)
    },
    asked(): Asked {
      const certain = readable && members.complete && !members.tooLong
      return {
        terms,
        fetchedTokens: certain && !references.found() ? 0 : largestContext,
        model: certain && models.size === 1 ? ([...models][0] ?? null) : null,
        maxTokens: certain && maxTokens !== null ? maxTokens : unreadMaxTokens,
      }
    },
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
