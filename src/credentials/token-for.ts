import { type Asked, askedOfHost } from './asked.ts'
import { environmentTokens } from './environment-tokens.ts'
import { type ForgeToken, isHost } from './forge-token.ts'
import { helperToken, netrcToken } from './git-tokens.ts'
import { ghToken, glabToken } from './program-tokens.ts'

/** The places in order: a variable that was set for this command, then logins, then git's own. */
const places = [ghToken, glabToken, helperToken, netrcToken] as const

/**
 * Returns the user's token for the repositories of a host, or null when the host has none. Reads only
 * the environment, files and programs of the user, never those of a workspace.
 *
 * @param host as in a URL, in lower case; a port counts. Any other text has no token.
 */
export async function tokenFor(
  host: string,
  asked: Asked = askedOfHost(),
): Promise<ForgeToken | null> {
  if (!isHost(host)) return null
  const [given] = environmentTokens(asked.env).filter(token => token.host === host)
  if (given) return given
  for (const place of places) {
    const found = await place(host, asked)
    if (found) return found
  }
  return null
}
