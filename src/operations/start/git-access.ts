import { command } from '../../base/command.ts'
import type { Log } from '../../base/log.ts'
import { type GitRepository, hostsOf } from '../../config/git-repositories.ts'
import type { ForgeToken } from '../../credentials/forge-token.ts'
import { tokenFor } from '../../credentials/token-for.ts'
import type { GitAccessFile } from '../../stack/credential.ts'

/**
 * Returns what the gateway needs for the listed repositories: the user's token for each of their hosts.
 * Undefined without repositories. Warns about a host without a token, where only public ones can be
 * fetched.
 */
export async function gitAccess(
  repositories: readonly GitRepository[],
  log: Log,
  find: (host: string) => Promise<ForgeToken | null> = host => tokenFor(host),
): Promise<GitAccessFile | undefined> {
  if (repositories.length === 0) return undefined
  const hosts = hostsOf(repositories)
  const found = await Promise.all(hosts.map(find))
  for (const [index, host] of hosts.entries()) {
    if (found[index]) continue
    const text = `no token for ${host} on this host: the agent can fetch public repositories there and push to none; log in with gh or git, then run ${command('stop')} and ${command('start')}`
    log({ kind: 'warn', text })
  }
  const tokens = found.flatMap(token =>
    token ? [{ host: token.host, user: token.user, token: token.token }] : [],
  )
  return { repositories: [...repositories], tokens }
}
