/** Parses the JSON object on a log line; returns undefined for any other line. */
export function parseJsonLine(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
