const mostItems = 16

/**
 * Returns the smallest value of a JSON schema, with `text` for its strings: Claude Code's side queries
 * (a title, a summary) ask for such answers, and so does `run --json-schema`.
 */
export function schemaExample(schema: unknown, text: string, depth = 0): unknown {
  if (!isRecord(schema) || depth > 8) return null
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object' || isRecord(schema.properties)) {
    const properties = isRecord(schema.properties) ? schema.properties : {}
    return Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [
        name,
        schemaExample(member, text, depth + 1),
      ]),
    )
  }
  if (type === 'array') {
    const count = typeof schema.minItems === 'number' ? Math.min(schema.minItems, mostItems) : 0
    return Array.from({ length: count }, () => schemaExample(schema.items, text, depth + 1))
  }
  if (type === 'number' || type === 'integer') {
    return typeof schema.minimum === 'number' ? schema.minimum : 0
  }
  if (type === 'boolean') return false
  return type === 'string' ? text : null
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
