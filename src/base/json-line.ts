/** The JSON object on a line of a log; undefined for a line that holds something else. */
export function parseJsonLine(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
