import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { serverFolder } from '../../stack/server/server-folder.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { type Caller, openEngine } from '../context.ts'
import { serverIdentity } from '../serve/server-context.ts'
import { serverStatus } from '../serve/status.ts'

/** Where the bridge sends messages, and the token that it sends with them. */
export type McpEndpoint = { url: string; token: string | null }

export type EndpointOptions = {
  /** Name of a server of this host. */
  name?: string
  /** Address of a server elsewhere. */
  url?: string
  /** File with the token: an argument would show it to every program of the host. */
  tokenFile?: string
}

/** Finds the server and a token for it. */
export async function findEndpoint(caller: Caller, options: EndpointOptions): Promise<McpEndpoint> {
  const { name, url, tokenFile } = options
  if (url !== undefined) {
    if (name !== undefined) throw wrong('--name contradicts --url', 'omit one of them')
    const token = tokenFile === undefined ? null : await readToken(tokenFile)
    return { url: endpointOf(url, token !== null), token }
  }
  const status = await serverStatus(await openEngine(caller), name)
  if (status.url === null) {
    throw new UserError('no server is running', { hint: `run ${command('serve up')} first` })
  }
  const token =
    tokenFile === undefined ? await localToken(status, name) : await readToken(tokenFile)
  return { url: `${status.url}/mcp`, token }
}

/** Returns the token that the user or `serve up` set; null for a server without one. */
async function localToken(
  { tokens }: { tokens: readonly { name: string }[] },
  name: string | undefined,
): Promise<string | null> {
  if (tokens.length === 0) return null
  const { loadSettings } = await import('../../config/load-settings.ts')
  const { API_TOKEN: setting } = await loadSettings(checkoutRoot())
  if (setting !== undefined) return setting
  const { ownToken } = serverFolder(stateFolder(serverIdentity(name).name))
  const file = await readRegularFile(ownToken, { limit: 1_024 })
  const isOwn = tokens.some(({ name }) => name === 'default') && file.kind === 'bytes'
  if (isOwn) return parseToken(file.bytes, ownToken)
  throw wrong(
    `which token is not clear: the server has ${tokens.map(({ name }) => name).join(', ')}`,
    'store one in a file that only you can read, and give --token-file FILE',
  )
}

async function readToken(path: string): Promise<string> {
  const file = await readRegularFile(path, { limit: 4_096 })
  if (file.kind === 'bytes') return parseToken(file.bytes, path)
  throw wrong(
    `${terminalLine(path)} is missing or not a regular file`,
    'give a file with the token',
  )
}

/** Never repeats the content: it may be another secret. */
function parseToken(bytes: Buffer, path: string): string {
  const token = bytes.toString().trim()
  if (/^[\x21-\x7e]{1,512}$/.test(token)) return token
  throw wrong(
    `${terminalLine(path)} does not have a token alone`,
    'store the token as its one line',
  )
}

/** Returns the endpoint of a server's address. Refuses to send a token in the clear to another host. */
function endpointOf(text: string, hasToken: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search) {
    throw wrong('--url is not the http or https address of a server', 'such as https://ai.example')
  }
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (hasToken && url.protocol === 'http:' && !isLoopback) {
    throw wrong(
      `--url http://${url.host} would send the token in the clear`,
      'use https, with a proxy before the server',
    )
  }
  if (/^\/(mcp\/?)?$/.test(url.pathname)) url.pathname = '/mcp'
  return url.href
}

function wrong(what: string, hint: string) {
  return new UserError(what, { hint, exitCode: 2 })
}
