import type { ParentProxy } from '../config/parent-proxy.ts'

/** Where the proxy container has the folder with its way to the parent proxy. */
export const parentFolder = '/etc/claude-secure/parent'

/**
 * The lines that keep the proxy from dialling by itself, in order. Squid takes the first rule that matches, so a
 * rule of squid.conf, which comes later, changes nothing.
 */
export const parentRules = [
  'always_direct allow resolved_here',
  'always_direct deny all',
  'never_direct allow all',
  'nonhierarchical_direct off',
  'negative_dns_ttl 1 second',
] as const

/**
 * Renders the part of Squid's configuration that sends everything through the parent proxy. It holds the user and
 * password: only the proxy may read it.
 */
export function renderParentConf({ host, port, tls, login, except }: ParentProxy): string {
  const options = [
    'no-query no-digest no-netdb-exchange default connect-timeout=5',
    // Never counts the parent as dead: each request tries it again, and says so when it fails.
    'connect-fail-limit=1000000',
    ...(tls
      ? [`tls tls-cafile=${parentFolder}/ca.pem tls-default-ca=off tls-options=NO_TLSv1,NO_TLSv1_1`]
      : []),
    ...(login ? [`login=${percent(login.user)}:${percent(login.password)}`] : []),
  ]
  return [
    `cache_peer ${host} parent ${port} 0 ${options.join(' ')}`,
    // The dot admits the name itself and all names below it.
    ...except.map(name => `acl not_through_parent dstdomain -n .${name}`),
    `acl resolved_here any-of ${except.length > 0 ? 'not_through_parent' : '!all'}`,
    ...parentRules,
    '',
  ].join('\n')
}

/** Reads the user and password back, for the audit that looks for them elsewhere. */
export function parentLogin(conf: string): { user: string; password: string } | null {
  const [, user, password] = /^cache_peer .* login=([^: ]+):(\S+)$/m.exec(conf) ?? []
  if (user === undefined || password === undefined) return null
  return { user: decodeURIComponent(user), password: decodeURIComponent(password) }
}

/** Encodes each byte that is not a letter or digit: Squid decodes them, and no character ends the word. */
function percent(text: string): string {
  return [...Buffer.from(text)]
    .map(byte => {
      const character = String.fromCharCode(byte)
      return /[A-Za-z0-9]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}
