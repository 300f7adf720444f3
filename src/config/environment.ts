/** Returns the user's environment, for the few uses allowed: engine address, proxies, terminal. */
export function userEnvironment(): NodeJS.ProcessEnv {
  return process.env
}
