/** Of an MCP server; tools bear it in their own names. */
export const serverName = /^[A-Za-z0-9_-]{1,64}$/

/** `ask`, `none`, or names with commas between. Null for something else. */
export function parseMcpServers(value: string): 'ask' | 'none' | string[] | null {
  if (value === 'ask' || value === 'none') return value
  const names = value.split(',').map(name => name.trim())
  return names.every(name => serverName.test(name)) ? names : null
}
