/** The workspace's configuration of claude-secure. The next `start` obeys it: the agent must not write it. */
export const workspaceConfigName = 'claude-secure.config.json'

/**
 * Names in the workspace that host programs run or obey automatically: git, editors, shells, Claude
 * Code, and claude-secure itself. Separate from the settings, because a fast `start` needs them first.
 */
export const protectedNames = [
  '.git',
  '.gitattributes',
  '.gitmodules',
  '.envrc',
  '.vscode',
  '.idea',
  '.devcontainer',
  '.devcontainer.json',
  '.claude',
  '.mcp.json',
  workspaceConfigName,
] as const
export type ProtectedName = (typeof protectedNames)[number]

/** Returns the names that PROTECT leaves writable: none for `all`, every name for `none`, two for `-.vscode,-.idea`. */
export function parseProtect(value: string): ProtectedName[] | null {
  if (value === 'all') return []
  if (value === 'none') return [...protectedNames]
  const loosened: ProtectedName[] = []
  for (const part of value.split(',')) {
    const name = protectedNames.find(name => part.trim() === `-${name}`)
    if (!name) return null
    loosened.push(name)
  }
  return loosened
}
