import type { Control } from './control.ts'

/** A place in a source file, and what a careless edit would make of it. */
export type Edit = { file: string; pattern: RegExp; replacement: string }

export type GatewayControl = Control & { edits: readonly Edit[] }

const app = 'src/gateway/http/app.ts'
const caller = 'src/gateway/http/caller.ts'
const headers = 'src/gateway/http/headers.ts'
const routes = 'src/gateway/http/routes.ts'

/** Fastify knows the routes too: both have to be gone for anything else to get through. */
const everyRoute: Edit = {
  file: app,
  pattern:
    /app\.post\('\/v1\/messages', \(request, reply\) => serve\(request, reply, 'messages'\)\)/,
  replacement: "app.all('/*', (request, reply) => serve(request, reply, 'messages'))",
}

/** What the gateway does for the lock, each with the edit that would undo it. */
export const gatewayControls: readonly GatewayControl[] = [
  undo('only the routes of the Messages API', [
    everyRoute,
    {
      file: routes,
      pattern: /\? routes\.get\(`\$\{method\} \$\{path\}`\) : undefined/,
      replacement: "? (routes.get([method, path].join(' ')) ?? 'messages') : undefined",
    },
  ]),
  undo('no parameters but plain ones', [
    { file: routes, pattern: /const plainQuery = .*/, replacement: 'const plainQuery = /^/' },
  ]),
  undo('no caller without a credential', [
    {
      file: caller,
      pattern: /if \(keys\.length \+ bearers\.length === 0\) \{/,
      replacement:
        'if (keys.length + bearers.length === 0) return { caller: callersOf(credential)[0], meter: null }\n  if (false) {',
    },
  ]),
  undo('no key but the placeholder', [
    {
      file: caller,
      pattern: /return found \? .* : null/,
      replacement: 'return { caller: found ?? callers[0], meter: null }',
    },
  ]),
  undo('no second key beside the placeholder', [
    {
      file: caller,
      pattern: /const genuine =(?:.|\n)*?\n {2}if \(!identity/,
      replacement: 'const genuine = true\n  if (!identity',
    },
  ]),
  undo('no header of the caller but the listed ones', [
    {
      file: headers,
      pattern: /if \(!isPassed\(name\) \|\| nominated\.has\(name\)\) continue/,
      replacement: "if (['host', 'x-api-key', 'connection', 'expect'].includes(name)) continue",
    },
  ]),
  undo('the caller’s credential goes no further', [
    {
      file: headers,
      pattern: /if \(!isPassed\(name\) \|\| nominated\.has\(name\)\) continue/,
      replacement:
        "if (name === 'x-api-key') headers.set('x-app', value)\n    if (!isPassed(name) || nominated.has(name)) continue",
    },
  ]),
  undo('request headers are bounded', [
    {
      file: 'src/gateway/http/limits.ts',
      pattern: /headerBytes: 32 \* 1024,/,
      replacement: 'headerBytes: 1024 * 1024,',
    },
  ]),
]

function undo(control: string, edits: readonly Edit[]): GatewayControl {
  const stated = [...new Set(edits.map(({ file }) => file))].reverse().join(', ')
  return { control, stated, probe: 'N15', edits }
}

export function applyEdit(text: string, { file, pattern, replacement }: Edit): string {
  const next = text.replace(pattern, () => replacement)
  if (next === text) throw new Error(`${file} has nothing like ${pattern}`)
  return next
}
