import { UserError } from '../base/errors.ts'
import { terminalLine, terminalText } from '../base/terminal-text.ts'

export type RemoteUrl = {
  transport: 'https' | 'http' | 'ssh' | 'file'
  /** As git takes it. Has no password. */
  url: string
  /** In lower case; empty for a folder of this machine. */
  host: string
  /** As written; null for the default of the transport. */
  port: number | null
  user: string | null
  /** Without slashes at its ends and without `.git`, such as `group/name`; for a folder, its path. */
  path: string
}

const scheme = /^([a-z][a-z0-9+.-]*):\/\//i
const sshSchemes = ['ssh', 'git+ssh', 'ssh+git']
/** `user@host:path`, and `[host]:path` for an IPv6 address. */
const scpForm = /^(?:([^@/:]+)@)?(\[[^\]/]+\]|[^@/:[\]]+):(?!\/\/)(.+)$/

/** `user:password@host:port`. A URL parser of the web reads some of these in another way than git. */
const authorityForm = /^(?:([^@:]*)(?::([^@]*))?@)?(\[[^\]@]+\]|[^:[\]@]+)(?::(\d{1,5}))?$/

/**
 * Parses the URL of a git remote. Throws for forms that run programs (`ext::`), that a program could take for an
 * option, that lead out of their host, or that hold a password: git gives the URL to its helpers as an
 * argument, which every user of the machine can read.
 */
export function parseRemoteUrl(url: string): RemoteUrl {
  if (terminalText(url) !== url || /[\n\t\ufffd]/.test(url) || url === '' || url.length > 2_000) {
    throw refused(url, 'contains control characters, or is empty or too long')
  }
  if (url.startsWith('-')) throw refused(url, 'begins like an option')
  if (/^[a-z0-9+.-]*::/i.test(url)) throw refused(url, 'names a program that git would run')
  const named = scheme.exec(url)?.[1]?.toLowerCase()
  if (named === 'file') return folder(url, filePath(url))
  if (named !== undefined) return parseUrl(url, named)
  const scp = scpForm.exec(url)
  // As git: a colon after a slash is part of a path.
  if (!scp) return folder(url, url)
  const [, user = null, host = '', path = ''] = scp
  return remote(url, 'ssh', { user, host: host.replace(/^\[|\]$/g, ''), port: null, path })
}

/** Describes a remote for a person: its host and path. */
export function describeRemote({ host, path }: RemoteUrl): string {
  return terminalLine(host === '' ? path : `${host}/${path}`)
}

/**
 * Returns the URL of another repository of the same host, spelled as the one of `remote`.
 *
 * @param path such as `group/name`; throws for one that is not plain
 */
export function siblingUrl(remote: RemoteUrl, path: string): string {
  const at = remote.url.lastIndexOf(remote.path)
  const rest = remote.url.slice(at + remote.path.length)
  return parseRemoteUrl(`${remote.url.slice(0, at)}${path}${rest}`).url
}

function parseUrl(url: string, named: string): RemoteUrl {
  const transport = sshSchemes.includes(named) ? 'ssh' : named
  if (transport !== 'ssh' && transport !== 'https' && transport !== 'http') {
    throw refused(url, `uses ${named}, which cannot prove who answers`)
  }
  const [, authority = '', path = ''] = /^[^:]+:\/\/([^/]*)\/(.*)$/.exec(url) ?? []
  const [, user = null, password, host = '', port] = authorityForm.exec(authority) ?? []
  if (password !== undefined) {
    // Without the URL: the error must not show what is in it.
    throw new UserError(`the URL of the remote at ${terminalLine(host, 80)} contains a password`, {
      hint: 'remove it with git remote set-url, and log in with gh or set a token',
    })
  }
  const number = port === undefined ? null : Number(port)
  return remote(url, transport, { user, host: host.replace(/^\[|\]$/g, ''), port: number, path })
}

function remote(
  url: string,
  transport: 'https' | 'http' | 'ssh',
  found: Pick<RemoteUrl, 'user' | 'host' | 'port' | 'path'>,
): RemoteUrl {
  const { user, host, port } = found
  if (!/^[\x21-\x7e]+$/.test(url)) throw refused(url, 'has characters other than ASCII')
  if (!isHost(host)) throw refused(url, 'has no valid host name')
  if (user !== null && !/^\w[\w.+-]*$/.test(user)) throw refused(url, 'has no valid user name')
  const path = found.path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
  const segments = path.split('/')
  if (!segments.every(segment => /^[\w.~+%@:,=-]+$/.test(segment) && !/^\.{1,2}$/.test(segment))) {
    throw refused(url, 'has a path that is not a plain one')
  }
  return { transport, url, host: host.toLowerCase(), port, user, path }
}

/** A name or an IPv4 or IPv6 address. ssh would take a leading hyphen for an option. */
function isHost(host: string): boolean {
  if (host.length > 253) return false
  return /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?$/i.test(host) || /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(host)
}

function folder(url: string, path: string): RemoteUrl {
  if (path === '') throw refused(url, 'names no folder')
  return { transport: 'file', url, host: '', port: null, user: null, path }
}

function filePath(url: string): string {
  const path = url.slice('file://'.length)
  if (!path.startsWith('/')) throw refused(url, 'names a folder of another host')
  return path
}

function refused(url: string, reason: string): UserError {
  // A password may be in a form that is not recognised as a URL.
  const shown = terminalLine(url.replace(/\/\/.*@/, '//'), 120)
  return new UserError(`the remote URL ${shown || '""'} ${reason}`, {
    hint: 'correct it with git remote set-url NAME URL: https, ssh, or a folder',
  })
}
