import { type Account, environmentOf } from '../config/account.ts'
import { readGitConfig } from '../config/git-config.ts'
import { exec } from '../process/exec.ts'
import { type GitSetting, readUserGitSettings } from './push/push-settings.ts'
import { parseRemoteUrl, type RemoteUrl } from './remote-url.ts'

/** Returns what ssh knows about a host, as `ssh -G` prints it; empty without ssh. */
type AskSsh = (host: string) => Promise<string>

/**
 * Returns where a remote leads: after the user's `insteadOf`, and with the name that an alias of ~/.ssh/config
 * stands for. A forge and its token are found by that name.
 */
export async function resolveRemote(
  url: string,
  options: { settings?: readonly GitSetting[]; askSsh?: AskSsh; account?: Account | null } = {},
): Promise<RemoteUrl> {
  const { account = null, askSsh = host => askOwnSsh(host, account) } = options
  const read = (args: readonly string[]) => readGitConfig(args, account)
  const { settings = (await readUserGitSettings(read)).settings } = options
  const remote = parseRemoteUrl(rewriteUrl(url, settings))
  if (remote.transport !== 'ssh') return remote
  const host = /^hostname (\S+)$/m.exec(await askSsh(remote.host))?.[1]
  if (host === undefined) return remote
  const name = host.includes(':') ? `[${host}]` : host
  // Judged like any other host: the alias may stand for anything.
  return { ...remote, host: parseRemoteUrl(`ssh://${name}/x`).host }
}

/** Replaces the longest beginning that `insteadOf` names, as git does. */
export function rewriteUrl(url: string, settings: readonly GitSetting[]): string {
  let [longest, base] = ['', '']
  for (const [key, beginning] of settings) {
    const found = /^url\.(.*)\.insteadof$/is.exec(key)?.[1]
    if (found === undefined || !url.startsWith(beginning)) continue
    if (beginning.length > longest.length) [longest, base] = [beginning, found]
  }
  return longest === '' ? url : `${base}${url.slice(longest.length)}`
}

async function askOwnSsh(host: string, account: Account | null) {
  const options = { timeout: 5_000, env: environmentOf(account), user: account }
  const answer = await exec('ssh', ['-G', '--', host], options).catch(() => null)
  return answer?.code === 0 ? answer.stdout : ''
}
