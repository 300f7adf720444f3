import { UserError } from '../base/errors.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { proxyVariables } from './setting-names.ts'

/** The company's proxy that everything leaves through. */
export type ParentProxy = {
  host: string
  port: number
  /** Whether the proxy itself speaks TLS: an https:// address. */
  tls: boolean
  /** `http://proxy.example:3128`, without user and password: for messages, labels and status. */
  address: string
  login: { user: string; password: string } | null
  /** Names that are reached without it, with every name below them. */
  except: readonly string[]
  /** The setting or variable that names it, for messages. */
  from: string
}

type Sources = {
  settings: {
    PARENT_PROXY?: string | undefined
    PARENT_PROXY_LOGIN?: string | undefined
    PARENT_PROXY_EXCEPT?: string | undefined
  }
  env: Readonly<Record<string, string | undefined>>
}

/**
 * Returns the parent proxy, or null for none: PARENT_PROXY of `.env`, else HTTPS_PROXY of the environment. Does
 * not read the file of PARENT_PROXY_LOGIN; `loginFile` is its content.
 */
export function parseParentProxy(
  { settings, env }: Sources,
  loginFile: string | null,
): ParentProxy | null {
  const variable = proxyVariables.slice(0, 2).find(name => env[name])
  const from = settings.PARENT_PROXY === undefined ? variable : 'PARENT_PROXY'
  const value = settings.PARENT_PROXY ?? (variable && env[variable])
  if (from === undefined || !value || value === 'none') return null
  const except = (settings.PARENT_PROXY_EXCEPT ?? env.no_proxy ?? env.NO_PROXY ?? '')
    .split(/[,\s]+/)
    .filter(Boolean)
  // By convention the star switches the proxy off.
  if (except.includes('*')) return null
  const url = parseAddress(value, from)
  const host = url.hostname.replace(/\.$/, '')
  const tls = url.protocol === 'https:'
  const port = Number(url.port || (tls ? 443 : 80))
  return {
    host,
    port,
    tls,
    address: `${url.protocol}//${host}:${port}`,
    login: parseLogin(url, loginFile, from),
    except: [...new Set(except.flatMap(exceptionName))].sort(),
    from,
  }
}

/** Reads the file of PARENT_PROXY_LOGIN, and returns the parent proxy, or null for none. */
export async function readParentProxy(
  settings: Sources['settings'],
  env: Sources['env'],
): Promise<ParentProxy | null> {
  const path = settings.PARENT_PROXY_LOGIN
  if (path === undefined) return parseParentProxy({ settings, env }, null)
  const file = await readRegularFile(path, { limit: 4_096, follow: true })
  if (file.kind !== 'bytes') {
    throw new UserError(`cannot read PARENT_PROXY_LOGIN=${path}`, {
      hint: 'name a file of one line, user:password, that you alone can read',
    })
  }
  return parseParentProxy({ settings, env }, file.bytes.toString())
}

/** Never shows the value: it may hold a password. */
function parseAddress(value: string, from: string): URL {
  // curl and others accept `proxy.example:3128` too.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`
  const url = URL.canParse(text) ? new URL(text) : null
  const hint = `set PARENT_PROXY in .env, such as http://proxy.example:3128; PARENT_PROXY=none uses no parent proxy`
  if (!url || !['http:', 'https:'].includes(url.protocol) || !/^[a-z0-9.-]+$/i.test(url.hostname)) {
    throw new UserError(`${from} is not the address of an HTTP proxy`, { hint })
  }
  if (/^(localhost|127\.[\d.]+|0\.0\.0\.0)$/i.test(url.hostname)) {
    throw new UserError(
      `${from} names a proxy on this host's loopback (${url.hostname}), which no container reaches`,
      {
        hint: `let the proxy listen on an address of this host too, such as docker0's, and set PARENT_PROXY in .env to it; PARENT_PROXY=none uses no parent proxy`,
      },
    )
  }
  return url
}

function parseLogin(url: URL, loginFile: string | null, from: string): ParentProxy['login'] {
  const inUrl = url.username !== '' || url.password !== ''
  if (inUrl && loginFile !== null) {
    throw new UserError(`${from} and PARENT_PROXY_LOGIN both name a user`, {
      hint: 'remove the user and password from the address',
    })
  }
  if (loginFile !== null) {
    const [, user = '', password = ''] = /^([^:\r\n]+):([^\r\n]+)\r?\n?$/.exec(loginFile) ?? []
    return checkLogin(user, password, 'PARENT_PROXY_LOGIN')
  }
  if (!inUrl) return null
  return checkLogin(decode(url.username, from), decode(url.password, from), from)
}

function decode(text: string, from: string) {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badLogin(from)
  }
}

function checkLogin(user: string, password: string, from: string) {
  // Squid gives these two a meaning of their own: another user's name, and Kerberos.
  const special = user.startsWith('*') || user.startsWith('NEGOTIATE')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
  const strange = /[\x00-\x1f\x7f]/.test(user + password) || user.includes(':')
  if (user === '' || password === '' || special || strange || user.length + password.length > 500) {
    throw badLogin(from)
  }
  return { user, password }
}

function badLogin(from: string) {
  return new UserError(`the user and password of ${from} are not usable`, {
    hint: 'write user:password on one line; in an address, encode special characters: %40 for @',
  })
}

/** Returns a name of NO_PROXY in one form; none for addresses, which the stack refuses anyway. */
function exceptionName(entry: string): string[] {
  const name = entry
    .replace(/^https?:\/\//, '')
    .replace(/:\d+$/, '')
    .replace(/^\*?\.+/, '')
    .replace(/\.$/, '')
    .toLowerCase()
  const isName = /^([a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62}$/.test(name)
  return isName && name !== 'localhost' ? [name] : []
}

/** Returns whether a name is reached without the parent proxy. */
export function isException({ except }: Pick<ParentProxy, 'except'>, name: string): boolean {
  const host = name.toLowerCase()
  return except.some(entry => host === entry || host.endsWith(`.${entry}`))
}

/** Returns the address with user and password, for programs that take no other form. Never show it. */
export function addressWithLogin({ address, login }: ParentProxy): string {
  if (!login) return address
  const [scheme, rest] = address.split('//')
  return `${scheme}//${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@${rest}`
}

/**
 * Returns the environment from which builds take their proxies, with the parent proxy that a setting names. A
 * parent proxy of the environment itself is in it already.
 */
export function withParentProxy(
  env: NodeJS.ProcessEnv,
  parent: ParentProxy | null,
  settings: Sources['settings'],
): NodeJS.ProcessEnv {
  if (settings.PARENT_PROXY === undefined && settings.PARENT_PROXY_LOGIN === undefined) return env
  const { HTTPS_PROXY, HTTP_PROXY, https_proxy, http_proxy, NO_PROXY, no_proxy, ...rest } = env
  if (!parent) return rest
  const url = addressWithLogin(parent)
  return { ...rest, http_proxy: url, https_proxy: url, no_proxy: parent.except.join(',') }
}
