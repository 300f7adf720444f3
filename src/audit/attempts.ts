import type { Follow } from './follow.ts'
import { type Check, check } from './probe.ts'
import type { Twin } from './twin.ts'

/** A request to the twin's proxy that must not return the canary's word. */
export type Attempt = { name: string; request: string; follow: Follow }

export type Attempted = Attempt & { received: string; error?: string | undefined; through: boolean }

/** Sends all attempts at once. A refusal comes at once, so only hanging attempts take time. */
export function attemptAll(
  { attacker, word }: Pick<Twin, 'attacker' | 'word'>,
  attempts: readonly Attempt[],
  wait = 6_000,
): Promise<Attempted[]> {
  return Promise.all(
    attempts.map(async attempt => {
      const answer = await attacker.tunnel(attempt.request, attempt.follow, { until: word, wait })
      return { ...attempt, ...answer, through: reached(answer, word) }
    }),
  )
}

/** Checks that a listed name works: otherwise a refusal would prove nothing. */
export async function listedNameWorks(
  twin: Twin,
  claim = 'a request to the listed name succeeds',
): Promise<Check> {
  const { names, attacker, word } = twin
  const answer = await attacker.tunnel(
    connectTo(names.listed),
    { hello: names.listed },
    { until: word, wait: 60_000 },
  )
  return check(claim, reached(answer, word), firstLine(answer))
}

/**
 * Checks that no attempt reached the canary. The evidence names those that did, or their number and
 * one answer.
 */
export function noneReached(claim: string, attempted: readonly Attempted[]): Check {
  const through = attempted.filter(({ through }) => through)
  const [first] = attempted
  return check(
    claim,
    attempted.length > 0 && through.length === 0,
    through.length > 0
      ? `the canary's word came back for: ${list(through.map(({ name }) => name))}`
      : `${attempted.length} tried; ${first?.name}: ${first ? firstLine(first) : 'none'}`,
  )
}

/** Joins the first few items, and the number of the rest. */
export function list(items: readonly string[], shown = 6): string {
  const more = items.length - shown
  return `${items.slice(0, shown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** Builds a CONNECT request as Claude Code's client writes it. */
export function connectTo(host: string, port = 443): string {
  const authority = `${host}:${port}`
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`
}

/** Returns whether the canary's word came back: the only proof that an attempt reached it. */
export function reached({ received }: { received: string }, word: string): boolean {
  return received.includes(word)
}

/** Returns the first line of the answer, for evidence. */
export function firstLine({ received, error }: { received: string; error?: string | undefined }) {
  return received.split('\r\n')[0] || error || 'no answer'
}
