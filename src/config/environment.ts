/** The user's environment, for the few who may look at it: where the engine is, proxies, the terminal. */
export function userEnvironment(): NodeJS.ProcessEnv {
  return process.env
}
