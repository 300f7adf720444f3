import { isRecord } from '../../base/json.ts'
import type { RunEvent } from '../../run/result.ts'

/** What programs print when the proxy refuses a name with 407: its own page, curl, git, pip, npm, Node.js and Go. */
const refusal =
  /is not on the allowlist|CONNECT tunnel failed, response 407|Tunnel connection failed: 407|HTTP code 407 from proxy|tunneling socket could not be established, (?:statusCode|cause)=407|Proxy response \(407\)|Proxy Authentication Required|X-Squid-Error: 407:REFUSED_NAME/i

const names = /\bhttps?:\/\/((?:[a-z0-9-]{1,63}\.){1,8}[a-z][a-z0-9-]{1,62})(?=[:/?#'"\s)\]<>]|$)/gi
const ofPage = /\b((?:[a-z0-9-]{1,63}\.){1,8}[a-z][a-z0-9-]{1,62}) is not on the allowlist/gi

const mostNames = 3
const searched = 20_000
const callsKept = 50

/**
 * Finds the host names that the proxy refused to a run, by what its tools printed. The texts are the model's: a name is
 * only offered to an administrator, and opens nothing above the ceiling of the proxy.
 */
export function createDeniedNames() {
  const calls = new Map<string, string>()
  const told = new Set<string>()

  return {
    /** Returns the names in an event that were not found before. */
    see(event: RunEvent): string[] {
      if (event.kind !== 'claude') return []
      const found = new Set<string>()
      for (const block of blocksOf(event.message.message)) {
        const { type, id, tool_use_id: of, input, content } = block
        if (type === 'tool_use' && typeof id === 'string') {
          calls.set(id, textOf(input))
          if (calls.size > callsKept) calls.delete(calls.keys().next().value ?? '')
        }
        if (type !== 'tool_result') continue
        const text = textOf(content)
        if (!refusal.test(text)) continue
        for (const [, name = ''] of text.matchAll(ofPage)) found.add(name.toLowerCase())
        const asked = `${text} ${calls.get(String(of)) ?? ''}`
        if (found.size === 0)
          for (const [, name = ''] of asked.matchAll(names)) found.add(name.toLowerCase())
      }
      const fresh = [...found].filter(name => !told.has(name)).slice(0, mostNames)
      for (const name of fresh) told.add(name)
      return fresh
    },
  }
}

function blocksOf(message: unknown): Record<string, unknown>[] {
  const content = isRecord(message) ? message.content : null
  return Array.isArray(content) ? content.filter(isRecord) : []
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, searched)
  return (JSON.stringify(value) ?? '').slice(0, searched).replaceAll('\\n', '\n')
}
