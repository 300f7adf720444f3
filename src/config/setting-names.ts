/** Names of all settings. Separate from the schema, because `start` needs them before it loads that. */
export const settingNames = [
  'ANTHROPIC_API_KEY',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CREDENTIALS',
  'WORKSPACE_MODE',
  'COPY_EXCLUDE',
  'PROTECT',
  'GIT_IDENTITY',
  'SSH_DIR',
  'MCP_SERVERS',
  'EXTRA_CA_CERTS',
  'EXTERNAL_SUBNET',
  'PROXY_DNS',
  'BUDGET_USD_PER_DAY',
  'AGENT_MEMORY',
  'AGENT_CPUS',
  'AGENT_PIDS',
  'RUNTIME',
  'IMAGE_TARGET',
  'PACKAGES',
  'CUSTOM_DIR',
  'DOCKERFILE',
  'BASE_IMAGE',
  'DEBIAN_MIRROR',
] as const

/** claudebox's names for these settings. */
export const settingAliases: Readonly<Record<string, (typeof settingNames)[number]>> = {
  CLAUDE_SSH_DIR: 'SSH_DIR',
}

/** Returns the settings in the user's environment, and the engine's address if set there. */
export function settingsInEnvironment(env: NodeJS.ProcessEnv = process.env) {
  const names = [
    ...settingNames,
    ...Object.keys(settingAliases),
    'DOCKER_HOST',
    ...Object.keys(env).filter(isCustomName).sort(),
  ]
  return Object.fromEntries(names.flatMap(name => (env[name] ? [[name, env[name]]] : [])))
}

/**
 * Prefixes of the two families of settings with user-chosen names: `CLAUDE_ENV_X` and `CLAUDE_MOUNT_N`.
 * Separate from their parsers, because a fast `start` needs the names before it loads anything.
 */
export const customPrefixes = { environment: 'CLAUDE_ENV_', mount: 'CLAUDE_MOUNT_' } as const

export function isCustomName(name: string): boolean {
  return Object.values(customPrefixes).some(
    prefix => name.startsWith(prefix) && name.length > prefix.length,
  )
}
