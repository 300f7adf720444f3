/** How the keys of JSON output are spelt: as Claude Code does, or in camelCase as claudebox does. */
export const jsonKeys = ['claude', 'camel'] as const
export type JsonKeys = (typeof jsonKeys)[number]

/** Keys whose value is data of the user, of a tool or of a model: its keys are not ours to spell. */
const opaque = new Set([
  ...['structured_output', 'input', 'tool_input', 'tool_use_result', 'updated_input', '_meta'],
])

/** Keys whose value has names as keys, such as those of models. */
const named = new Set(['modelUsage', 'model_usage'])

/** Returns the value with its own keys in camelCase. */
export function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [camelKey(key), innerOf(key, inner)]),
  )
}

function innerOf(key: string, inner: unknown): unknown {
  if (opaque.has(key)) return inner
  if (!named.has(key) || typeof inner !== 'object' || inner === null) return camelKeys(inner)
  return Object.fromEntries(Object.entries(inner).map(([name, of]) => [name, camelKeys(of)]))
}

/** `ephemeral_1h_input_tokens` becomes `ephemeral1hInputTokens`; `costUSD` and `_meta` stay. */
function camelKey(key: string): string {
  return key.replace(/(?<=.)_+(.)/g, (_, next: string) => next.toUpperCase())
}
