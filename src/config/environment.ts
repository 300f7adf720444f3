/** What of the user's environment says how his terminal draws. */
export function terminalEnvironment(env: NodeJS.ProcessEnv = process.env) {
  return { TERM: env.TERM, COLORTERM: env.COLORTERM }
}
