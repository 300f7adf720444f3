/** The workspace's own configuration of claude-secure. Read by the next `start`, so the agent must not write it. */
export const workspaceConfigName = 'claude-secure.config.json'

/**
 * What programs of the host run or obey by themselves, by its name in the workspace: git, editors,
 * shells, Claude Code, and claude-secure itself. Apart from the settings, because a quick `start` needs it before it loads those.
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

/** What a value of PROTECT gives up: `all` nothing, `none` everything, `-.vscode,-.idea` those two. */
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
