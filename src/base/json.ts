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
