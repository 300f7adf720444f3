/** Parses the JSON object on a log line; returns undefined for any other line. */
export function parseJsonLine(line: string): unknown {
  return line.startsWith('{') ? parseJson(line) : undefined
}

/** Parses JSON; returns undefined for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Returns whether a value is a JSON object, not an array or null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Renders a value as JSON on one line for each reader: the readline module of newer Node.js ends a line at U+2028 and
 * U+2029 too, which JSON leaves as they are.
 */
export function oneLineJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, separator =>
    separator === '\u2028' ? '\\u2028' : '\\u2029',
  )
}
