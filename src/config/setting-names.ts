import { claudeboxNames } from './claudebox-settings.ts'

const families = { CLAUDEBOX_ENV_: 'CLAUDE_ENV_', CLAUDEBOX_MOUNT_: 'CLAUDE_MOUNT_' } as const

/** Returns our name of a variable of the two families: `CLAUDE_ENV_X` for `CLAUDEBOX_ENV_X`. */
export function ourName(name: string): string {
  for (const [theirs, ours] of Object.entries(families)) {
    if (name.startsWith(theirs)) return `${ours}${name.slice(theirs.length)}`
  }
  return name
}

/** Renames the variables of the two families. A value with our name wins, whichever comes first. */
export function withOurNames<Value>(
  values: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const entries = Object.entries(values).map(([name, value]) => ({
    name,
    our: ourName(name),
    value,
  }))
  return Object.fromEntries([
    ...entries.filter(({ name, our }) => name !== our).map(({ our, value }) => [our, value]),
    ...entries.filter(({ name, our }) => name === our).map(({ our, value }) => [our, value]),
  ])
}

/** Variables of the environment that name the parent proxy, so that `start` notices when one changes. */
export const proxyVariables = ['https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'] as const

/** Names of the settings of `serve`, which belongs to no folder. */
export const serverSettingNames = [
  'WORKSPACES_DIR',
  'API_TOKEN',
  'SERVER_PORT',
  'SERVER_BIND',
  'SERVER_ALLOWED_HOSTS',
  'SERVER_ALLOWED_ORIGINS',
  'SERVER_MODES',
  'CRON_FILE',
  'TELEGRAM_FILE',
  'TELEGRAM_BOT_TOKEN',
  'SERVER_MEMORY',
  'API_STRICT',
  'OPENAI_SIDE_CALLS',
  'RUN_LIMIT',
  'RUN_QUEUE',
  'DRAIN_SECONDS',
  'RESULT_TTL_HOURS',
  'FILE_LIMIT_MB',
  'WEBHOOK_URL',
  'SHARED_OAUTH',
] as const

/** Names of all settings. Separate from the schema, because `start` needs them before it loads that. */
export const settingNames = [
  'ANTHROPIC_API_KEY',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CREDENTIALS',
  'ANTHROPIC_BASE_URL',
  'ANTHROPIC_AUTH_TOKEN',
  'UPSTREAM_PRIVATE',
  'CLAUDE_CODE_USE_BEDROCK',
  'AWS_REGION',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_BEARER_TOKEN_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
  'CLOUD_ML_REGION',
  'ANTHROPIC_VERTEX_PROJECT_ID',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'MODEL_IDS',
  'WORKSPACE_MODE',
  'COPY_EXCLUDE',
  'PROTECT',
  'PROTECT_ALSO',
  'GIT_IDENTITY',
  'GIT_REPOSITORIES',
  'SSH_DIR',
  'MCP_SERVERS',
  'SERVICES',
  'EXTRA_CA_CERTS',
  'SUBNET_POOL',
  'EXTERNAL_SUBNET',
  'PROXY_DNS',
  'PARENT_PROXY',
  'PARENT_PROXY_LOGIN',
  'PARENT_PROXY_EXCEPT',
  'JSON_KEYS',
  'BUDGET_USD_PER_DAY',
  'AGENT_MEMORY',
  'AGENT_CPUS',
  'AGENT_PIDS',
  'AGENT_SHM',
  'RUNTIME',
  'IMAGE_TARGET',
  'PACKAGES',
  'CUSTOM_DIR',
  'DOCKERFILE',
  'BASE_IMAGE',
  'UPDATE_MIN_AGE_DAYS',
  'DEBIAN_MIRROR',
  ...serverSettingNames,
] as const

/** Returns the settings in the user's environment, and the engine's address and proxies if set there. */
export function settingsInEnvironment(env: NodeJS.ProcessEnv = process.env) {
  const names = [
    ...settingNames,
    ...claudeboxNames,
    'DOCKER_HOST',
    ...proxyVariables,
    ...Object.keys(env).filter(isCustomName).sort(),
  ]
  return Object.fromEntries(names.flatMap(name => (env[name] ? [[name, env[name]]] : [])))
}

/**
 * Prefixes of the two families of settings with user-chosen names: `CLAUDE_ENV_X` and `CLAUDE_MOUNT_N`.
 * Separate from their parsers, because a fast `start` needs the names before it loads anything.
 */
export const customPrefixes = { environment: 'CLAUDE_ENV_', mount: 'CLAUDE_MOUNT_' } as const

export function isCustomName(typed: string): boolean {
  const name = ourName(typed)
  return Object.values(customPrefixes).some(
    prefix => name.startsWith(prefix) && name.length > prefix.length,
  )
}

/** Parsers of the settings whose value is a list or has several parts. They load no schema library. */

export type GitIdentity = { name: string; mail: string }

/** Maximum characters of a name or an address; git itself sets no limit. */
const longestIdentity = 256

/** Parses `Name <mail>`; null when the text does not have that form. */
export function parseGitIdentity(text: string): GitIdentity | null {
  const [, name = '', mail = ''] = /^([^<>]+)<([^<>\s]+)>$/.exec(text.trim()) ?? []
  return isPlain(name.trim()) && isPlain(mail) ? { name: name.trim(), mail } : null
}

/** Returns whether a value is safe in a configuration, in a commit and on a terminal. */
export function isPlain(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
  return value !== '' && value.length <= longestIdentity && !/[\x00-\x1f\x7f]/.test(value)
}

/** Name of an MCP server; the names of its tools contain it. */
export const serverName = /^[A-Za-z0-9_-]{1,64}$/

/** Parses `ask`, `none` or comma-separated names; null for anything else. */
export function parseMcpServers(value: string): 'ask' | 'none' | string[] | null {
  if (value === 'ask' || value === 'none') return value
  const names = value.split(',').map(name => name.trim())
  return names.every(name => serverName.test(name)) ? names : null
}

/** Parses `all`, `none` or comma-separated names of services; the folder of services judges the names. */
export function parseServiceNames(value: string): 'all' | 'none' | string[] {
  if (value === 'all' || value === 'none') return value
  return value.split(',').map(name => name.trim())
}

/**
 * A package name with an optional version. apt accepts more than names: a trailing `-` removes a package,
 * `/` selects another suite, `*` matches many packages, and a leading dash is an option.
 */
const packageName = /^[a-z0-9](?:[a-z0-9+.-]*[a-z0-9+.])?(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?$/

const longestPackage = 200
const mostPackages = 200

/** Parses `bc g++ hello=2.10-5` into unique names in a stable order; null for an invalid name. */
export function parsePackages(value: string): string[] | null {
  const names = [...new Set(value.split(/[\s,]+/).filter(name => name !== ''))].sort()
  const good = names.every(name => name.length <= longestPackage && packageName.test(name))
  return good && names.length <= mostPackages ? names : null
}

/** Parses `*.log, /data/` into its patterns. */
export function parseCopyExclude(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map(pattern => pattern.trim())
    .filter(pattern => pattern !== '')
}
