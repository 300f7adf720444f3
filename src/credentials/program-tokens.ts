import { join } from 'node:path'
import { isRecord } from '../base/json.ts'
import { type Asked, readOwnFile } from './asked.ts'
import { tokenUsers } from './environment-tokens.ts'
import { type ForgeToken, isToken } from './forge-token.ts'

/** Milliseconds. A keyring that asks its user for a password would wait forever. */
const longest = 5_000
const fileBytes = 256 * 1024

/** Returns gh's token: by gh itself, which reads the keyring, or from its file where gh is not installed. */
export async function ghToken(host: string, asked: Asked): Promise<ForgeToken | null> {
  const args = ['auth', 'token', '--hostname', host]
  const answer = await asked.run('gh', args, { timeout: longest })
  const token =
    answer === null
      ? await tokenOfFile(join(ghFolder(asked), 'hosts.yml'), asked, value => member(value, host))
      : answer.trim()
  return isToken(token) ? { host, user: tokenUsers.github, token, source: 'the login of gh' } : null
}

function ghFolder({ env, home }: Asked) {
  return env.GH_CONFIG_DIR || join(env.XDG_CONFIG_HOME || join(home, '.config'), 'gh')
}

/** Returns glab's token, from its file. */
export async function glabToken(host: string, asked: Asked): Promise<ForgeToken | null> {
  const { env, home } = asked
  const folder =
    env.GLAB_CONFIG_DIR || join(env.XDG_CONFIG_HOME || join(home, '.config'), 'glab-cli')
  const token = await tokenOfFile(join(folder, 'config.yml'), asked, value =>
    isRecord(value) ? member(value.hosts, host) : null,
  )
  return isToken(token)
    ? { host, user: tokenUsers.gitlab, token, source: 'the login of glab' }
    : null
}

async function tokenOfFile(
  path: string,
  asked: Asked,
  pick: (value: unknown) => unknown,
): Promise<unknown> {
  const text = await readOwnFile(path, asked, fileBytes)
  if (!text) return null
  // Loaded only where there is such a file. Tags and aliases of a damaged file must not end the command.
  const { parseDocument } = await import('yaml')
  const document = parseDocument(text, { logLevel: 'silent' })
  return document.errors.length > 0 ? null : pick(document.toJS({ maxAliasCount: 0 }))
}

/** Returns the token of a host: `oauth_token` in gh's file, `token` in glab's. */
function member(hosts: unknown, host: string): unknown {
  const entry = isRecord(hosts) && Object.hasOwn(hosts, host) ? hosts[host] : null
  return isRecord(entry) ? (entry.oauth_token ?? entry.token) : null
}
