import { parseSquidConf } from '../../../src/egress/squid-conf.ts'
import type { Control } from './control.ts'

export type PolicyControl = Control & {
  /** Takes the control out of the text of squid.conf. */
  remove: (text: string) => string
}

/**
 * Every directive of proxy/squid.conf that is a control, each alone. Many stand before one another, so
 * that one of them may go and nothing gets through: what notices is the comparison with the policy as
 * it was shipped.
 */
export function policyDirectives(text: string): PolicyControl[] {
  return parseSquidConf(text)
    .filter(({ words }) => !notControls.some(({ pattern }) => pattern.test(words.join(' '))))
    .map(({ line, words }) => ({
      control: words.join(' '),
      stated: `proxy/squid.conf line ${line}`,
      probe: 'N16',
      remove: before => withoutDirective(before, line),
    }))
}

export const notControls: readonly { pattern: RegExp; why: string }[] = [
  { pattern: /^deny_info /, why: 'which page a refusal shows' },
  { pattern: /^cache_log /, why: 'where Squid complains' },
  { pattern: /^(connect|read)_timeout /, why: 'how long to wait for others' },
  { pattern: /^(client|server)_persistent_connections /, why: 'how connections are reused' },
  { pattern: /^memory_pools |^digest_generation /, why: 'how memory is kept; nothing is cached' },
  { pattern: /^tls_outgoing_options /, why: 'Squid opens no TLS of its own' },
  { pattern: /^pid_filename |^shutdown_lifetime /, why: 'how Squid starts and ends' },
]

/** A directive may go over several lines, each but the last with a backslash at its end. */
function withoutDirective(text: string, line: number) {
  const lines = text.split('\n')
  let end = line - 1
  while (lines[end]?.endsWith('\\')) end += 1
  return [...lines.slice(0, line - 1), ...lines.slice(end + 1)].join('\n')
}

/**
 * What stops an attack by itself, directive by directive that belongs together: without it, forbidden
 * content arrives or a name leaks, and the probe of that attack sees it.
 */
export const policyLayers: readonly PolicyControl[] = [
  layer('names are checked before addresses', 'N3', text =>
    move(text, 'deny resolved_here private', '!listed'),
  ),
  layer('only listed names', 'N15', text => drop(text, /^http_access deny !listed .*$/m)),
  layer('a listed name admits no name below it', 'N4', text =>
    swap(text, /^acl allowed_sites dstdomain -n.*$/m, 'acl allowed_sites dstdomain -n .test'),
  ),
  layer('an address has no name: -n, and no addresses', 'N5', text =>
    drop(text.replaceAll('dstdomain -n', 'dstdomain'), /^http_access deny !dns_name .*$/m),
  ),
  layer('only host names, in one form', 'N6', text =>
    drop(
      drop(drop(text, /^http_access deny !dns_name .*$/m), /^http_access deny !listed .*$/m),
      /^http_access deny !sni_is_connect_name .*$/m,
    ),
  ),
  layer('a target is not repaired', 'N6', text =>
    drop(
      drop(drop(text, /^uri_whitespace .*$/m), /^relaxed_header_parser .*$/m),
      /^check_hostnames .*$/m,
    ),
  ),
  layer('only CONNECT, only port 443', 'N7', text =>
    drop(
      drop(drop(text, /^http_access deny !connect .*$/m), /^http_access deny !https_port .*$/m),
      /^http_access deny !sni_is_connect_name .*$/m,
    ),
  ),
  layer('only port 443', 'N7', text => drop(text, /^http_access deny !https_port .*$/m)),
  layer('no private address', 'N8', text =>
    drop(
      drop(text, /^http_access deny resolved_here private .*$/m),
      /^tcp_outgoing_address .* private !granted_private$/m,
    ),
  ),
  layer('a grant opens its own range only', 'N22', text =>
    drop(
      drop(text, /^http_access deny granted_closed .*$/m),
      /^tcp_outgoing_address .* granted_closed$/m,
    ),
  ),
  layer('a grant opens its own port only', 'N22', text =>
    drop(text, /^http_access deny !https_port .*$/m),
  ),
  layer('clear-text HTTP needs a grant without TLS', 'N22', text =>
    drop(
      drop(text, /^http_access deny !connect .*$/m),
      /^http_access deny !sni_is_connect_name .*$/m,
    ),
  ),
  layer('no address of the stack', 'N8', text =>
    drop(
      drop(text, /^http_access deny resolved_here stack_addresses .*$/m),
      /^tcp_outgoing_address .* stack_addresses$/m,
    ),
  ),
  layer('the TLS name is the CONNECT name', 'N9', text =>
    drop(text, /^http_access deny !sni_is_connect_name .*$/m),
  ),
  layer('a hello has one reading', 'N20', text =>
    swap(
      swap(text, /^external_acl_type same_name .*\n.*$/m, ''),
      /^acl sni_is_connect_name .*$/m,
      'acl sni_is_connect_name ssl::server_name .test',
    ),
  ),
  layer('log lines are encoded', 'N17', text =>
    text.replace(/^logformat .*$/gm, line => line.replaceAll('%#', '%')),
  ),
  layer('half-open requests end', 'N13', text => drop(text, /^request_timeout .*$/m)),
  layer('no pages of Squid itself', 'N14', text =>
    drop(
      drop(
        drop(drop(text, /^http_access deny manager .*$/m), /^http_access deny !connect .*$/m),
        /^http_access deny !https_port .*$/m,
      ),
      /^http_access deny !(dns_name|listed) .*$/gm,
    ),
  ),
]

function layer(control: string, probe: string, remove: PolicyControl['remove']): PolicyControl {
  return { control, stated: 'proxy/squid.conf', probe, remove }
}

function drop(text: string, pattern: RegExp): string {
  return swap(text, pattern, '')
}

function swap(text: string, pattern: RegExp, replacement: string): string {
  const next = text.replace(pattern, replacement)
  if (next === text) throw new Error(`nothing to remove: ${pattern}`)
  return next
}

/** Puts the rule that ends in `what` before the first one with `before`. */
function move(text: string, what: string, before: string): string {
  const rule = text.split('\n').find(line => line.startsWith(`http_access ${what}`))
  if (!rule) throw new Error(`there is no rule ${what}`)
  const rest = text.replace(`${rule}\n`, '')
  return rest.replace(
    new RegExp(`^http_access deny ${before} .*$`, 'm'),
    line => `${rule}\n${line}`,
  )
}
