/** Returns the user's environment, for the few uses allowed: engine address, proxies, terminal. */
export function userEnvironment(): NodeJS.ProcessEnv {
  return process.env
}

/** Returns the uid of the user whose stacks these are. With sudo that is the user who called it. */
export function stackOwner(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const uid = process.getuid?.()
  const caller = env.SUDO_UID ?? ''
  return uid === 0 && /^[0-9]{1,10}$/.test(caller) ? Number(caller) : uid
}

const passed = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'TERM',
  'XDG_RUNTIME_DIR',
  'XDG_CONFIG_HOME',
  'DOCKER_CONFIG',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'SSH_AUTH_SOCK',
]

/**
 * Returns the environment of docker and its plugins: only the variables by which they find their
 * configuration. COMPOSE_* and the names used in compose.yaml must not come from the user's shell.
 */
export function clientEnvironment(
  dockerHost: string,
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const entries = passed.flatMap(name => (env[name] ? [[name, env[name]] as const] : []))
  return { ...Object.fromEntries(entries), DOCKER_HOST: dockerHost, DOCKER_CLI_HINTS: 'false' }
}
