/** The workspace's configuration of claude-secure. The next `start` obeys it: the agent must not write it. */
export const workspaceConfigName = 'claude-secure.config.json'

/** The same file of claude-code-runner and of its predecessor; read when there is none of ours, in this order. */
export const foreignConfigNames = ['claude-run.config.json', 'claude-sandbox.config.json'] as const
export const workspaceConfigNames = [workspaceConfigName, ...foreignConfigNames] as const
export type WorkspaceConfigName = (typeof workspaceConfigNames)[number]

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
  ...workspaceConfigNames,
] as const
export type ProtectedName = (typeof protectedNames)[number]

/**
 * Names that need no mount: git takes no command from them while its configuration is closed. An
 * attribute only selects a driver of the configuration, and git refuses commands in `.gitmodules`.
 */
const harmlessNames: readonly ProtectedName[] = ['.gitattributes', '.gitmodules']

/** Names that are mounted read-only where they exist. */
export const mountedNames = protectedNames.filter(name => !harmlessNames.includes(name))

/**
 * Files without a placeholder: globs such as `*.json` would meet it, and programs of the host ask before
 * they obey a new one of these.
 */
export const askedNames: readonly ProtectedName[] = [
  '.devcontainer.json',
  '.mcp.json',
  ...workspaceConfigNames,
]

/**
 * Those that are moved away when they appear while an agent works. Not a configuration that we read: a
 * person approves its content before it takes effect.
 */
export const withdrawnNames = askedNames.filter(
  name => !(workspaceConfigNames as readonly string[]).includes(name),
)

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
