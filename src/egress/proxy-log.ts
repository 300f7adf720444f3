import * as z from 'zod'
import { parseJsonLine } from '../base/json.ts'
import { terminalLine } from '../base/terminal-text.ts'

/**
 * A decision of the proxy: a line of its access log (`logformat` in proxy/squid.conf). The fields that
 * the caller chose (method, host, port, sni) stay percent-encoded; `-` means absent.
 */
export const AccessDecision = z.object({
  /** Seconds since 1970. */
  ts: z.number().nonnegative().max(8_640_000_000_000),
  /** `-` when the request was too malformed to attribute. */
  caller: z.enum(['agent', 'services', 'server', '-']),
  method: z.string(),
  host: z.string(),
  port: z.string(),
  /** The server name in the TLS ClientHello. */
  sni: z.string(),
  verdict: z.enum(['allowed', 'denied']),
  /** The reason of a denial: from the `refused_…` lines of proxy/squid.conf, or `malformed`. */
  reason: z.string(),
  /** Whose list admitted it: `checkout`, `folder`, `grant`, several with a comma, or `-`. */
  list: z.string().default('-'),
  /** Squid's status, such as `TCP_TUNNEL/200`. */
  status: z.string(),
  /** Bytes to the caller (`bytes`) and from it (`sent`). */
  bytes: z.number(),
  sent: z.number(),
  /** Duration of the tunnel or of the refusal, in milliseconds. */
  ms: z.number(),
})
export type AccessDecision = z.infer<typeof AccessDecision>

/** Parses a line of the proxy's log; undefined for lines that are not a decision, such as reloads. */
export function parseAccessDecision(line: string): AccessDecision | undefined {
  const decision = AccessDecision.safeParse(parseJsonLine(line))
  return decision.success ? decision.data : undefined
}

/** Returns the decisions among the lines of the proxy's log. */
export function accessDecisions(lines: readonly string[]): AccessDecision[] {
  return lines.flatMap(line => parseAccessDecision(line) ?? [])
}

/** Counts the denied requests. */
export function countDenied(decisions: readonly AccessDecision[]): number {
  return decisions.filter(({ verdict }) => verdict === 'denied').length
}

/** Renders a decision as one line that is safe for a terminal. */
export function renderDecision(decision: AccessDecision): string {
  const { ts, caller, verdict, method, host, port } = decision
  const time = new Date(ts * 1000).toISOString().slice(0, 19).replace('T', ' ')
  const target = host === '-' ? '' : `${host}:${port}`
  const words = [time, verdict.padEnd(7), caller.padEnd(8), method, target, outcome(decision)]
  return terminalLine(words.filter(Boolean).join(' '))
}

/** Whose list admitted a request: a folder's own, or that of every folder, which needs no word. */
const listNames: Record<string, string> = {
  folder: "this folder's list, ",
  'checkout,folder': "every folder's list and this folder's, ",
  grant: 'a grant, ',
}

function outcome({ verdict, reason, list, status, bytes, sent, ms, sni, host }: AccessDecision) {
  if (verdict === 'allowed') {
    const traffic = `${listNames[list] ?? ''}${bytes} bytes in, ${sent} out, ${(ms / 1000).toFixed(1)} s`
    return status.endsWith('/200') ? `(${traffic})` : `(${status}: no answer)`
  }
  const why = reason === 'sni-differs' && host !== sni ? `${reason}: ${sni}` : reason
  return `(${why})`
}

/** What the proxy did with a squid.conf: a line of its log (`say` in proxy/policy.sh). */
const PolicyEvent = z.object({
  event: z.enum(['policy-loaded', 'policy-refused']),
  text: z.string(),
  /** SHA-256 of that squid.conf, and of the grants files of the checkout and the folder. */
  digest: z.string().optional(),
  checkout: z.string().optional(),
  here: z.string().optional(),
})
export type PolicyEvent = z.infer<typeof PolicyEvent>

export function parsePolicyEvent(line: string): PolicyEvent | undefined {
  const { success, data } = PolicyEvent.safeParse(parseJsonLine(line))
  return success ? data : undefined
}

/**
 * Returns the reason why the squid.conf on disk is not the policy in force, or null when it is.
 * `lines` are those of the proxy's log, oldest first.
 */
export function refusedPolicy(lines: readonly string[]): string | null {
  for (const line of lines.toReversed()) {
    const event = parsePolicyEvent(line)
    if (event) return event.event === 'policy-refused' ? event.text : null
  }
  return null
}

/** What the proxy did with the grants of a server: a line of its log (`say_server` in proxy/policy.sh). */
const ServerGrantsEvent = z.object({
  event: z.enum(['grants-loaded', 'grants-refused']),
  text: z.string(),
  /** SHA-256 of that file. */
  server: z.string(),
})
export type ServerGrantsEvent = z.infer<typeof ServerGrantsEvent>

export function parseServerGrantsEvent(line: string): ServerGrantsEvent | undefined {
  return ServerGrantsEvent.safeParse(parseJsonLine(line)).data
}
