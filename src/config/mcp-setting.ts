/** Name of an MCP server; the names of its tools contain it. */
export const serverName = /^[A-Za-z0-9_-]{1,64}$/

/** Parses `ask`, `none`, or comma-separated names. Null for anything else. */
export function parseMcpServers(value: string): 'ask' | 'none' | string[] | null {
  if (value === 'ask' || value === 'none') return value
  const names = value.split(',').map(name => name.trim())
  return names.every(name => serverName.test(name)) ? names : null
}
