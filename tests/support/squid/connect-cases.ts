import { ambiguousHellos, plainHellos } from '../../../src/audit/client-hello.ts'

/** The stand-in internet of a test, as seen from the caller: where the attacks point. */
export type Origin = {
  /** On the caller's list and resolves to `address`; TLS with the marker on 443 and 8443, a banner with it on 22 and 80. */
  allowed: string
  /** A second listed name with the same address. */
  alsoAllowed: string
  /** Not on the list, resolves to `address` too. */
  unlisted: string
  /** IPv4 address of the origin; its PTR record names `allowed`. */
  address: string
}

/**
 * One thing a hostile caller sends to the proxy. Judge it by what arrives, never by the proxy's
 * status: `reached` when the origin's marker came back, `refused` when it did not and the origin saw
 * nothing.
 */
export type ConnectCase = {
  name: string
  threat: 'control' | 'N5' | 'N6' | 'N7' | 'N9' | 'N10' | 'N14' | 'N17' | 'N20'
  /** Bytes as latin1 text. */
  request: string
  /** What follows a 2xx answer: a TLS hello with this server name, one without, exact bytes in pieces, or plain HTTP. */
  follow: { hello: string } | { raw: readonly string[] } | 'hello-without-name' | 'plain'
  expect: 'reached' | 'refused'
}

const connect = (authority: string, version = 'HTTP/1.1') =>
  `CONNECT ${authority} ${version}\r\nHost: ${authority}\r\n\r\n`

const send = (method: string, url: string, host: string) =>
  `${method} ${url} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`

export function connectCases(origin: Origin): ConnectCase[] {
  return [
    ...controls(origin),
    ...addressForms(origin),
    ...malformedTargets(origin),
    ...portsMethodsSchemes(origin),
    ...serverNames(origin),
    ...helloForms(origin),
    ...forgedLines(origin),
  ]
}

/** What must keep working, or every refusal below proves nothing. */
function controls({ allowed }: Origin): ConnectCase[] {
  const hello = { hello: allowed }
  const reached = (name: string, request: string, follow: ConnectCase['follow'] = hello) =>
    ({ name, threat: 'control', request, follow, expect: 'reached' }) as const
  return [
    reached('a listed name', connect(`${allowed}:443`)),
    reached('a listed name over HTTP/1.0', connect(`${allowed}:443`, 'HTTP/1.0')),
    reached('a listed name in capitals', connect(`${allowed.toUpperCase()}:443`)),
    reached('a listed name with a trailing dot', connect(`${allowed}.:443`)),
    reached('a hello in capitals', connect(`${allowed}:443`), { hello: allowed.toUpperCase() }),
  ]
}

/** N5, N6, N10: an address in any notation has no name to check. */
function addressForms({ allowed, address }: Origin): ConnectCase[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  const number = ((a * 256 + b) * 256 + c) * 256 + d
  const hex = (byte: number) => byte.toString(16).padStart(2, '0')
  const octal = (byte: number) => `0${byte.toString(8)}`
  const mapped = `${hex(a)}${hex(b)}:${hex(c)}${hex(d)}`
  const hosts: [string, string, 'N5' | 'N6' | 'N10'][] = [
    ['dotted', address, 'N5'],
    ['dotted with a trailing dot', `${address}.`, 'N6'],
    ['one decimal number', `${number}`, 'N6'],
    ['one hex number', `0x${number.toString(16)}`, 'N6'],
    ['one octal number', `0${number.toString(8)}`, 'N6'],
    ['dotted hex', `0x${hex(a)}.0x${hex(b)}.0x${hex(c)}.0x${hex(d)}`, 'N6'],
    ['dotted octal', [a, b, c, d].map(octal).join('.'), 'N6'],
    ['hex in the last part only', `${a}.${b}.${c}.0x${hex(d)}`, 'N6'],
    ['three parts', `${a}.${b}.${c * 256 + d}`, 'N6'],
    ['two parts', `${a}.${(b * 256 + c) * 256 + d}`, 'N6'],
    ['padded with zeros', [a, b, c, d].map(byte => `${byte}`.padStart(4, '0')).join('.'), 'N6'],
    ['percent-encoded', `%${address.charCodeAt(0).toString(16)}${address.slice(1)}`, 'N6'],
    ['IPv4-mapped', `[::ffff:${address}]`, 'N6'],
    ['IPv4-mapped in hex', `[::ffff:${mapped}]`, 'N6'],
    ['IPv4-compatible', `[::${address}]`, 'N6'],
    ['NAT64', `[64:ff9b::${address}]`, 'N6'],
    ['IPv6 loopback', '[::1]', 'N10'],
    ['IPv6 unspecified', '[::]', 'N10'],
    ['public IPv6', '[2606:4700:4700::1111]', 'N10'],
    ['IPv6 with a zone', '[fe80::1%25eth0]', 'N10'],
    ['IPv6 without brackets', '::1', 'N10'],
    ['loopback', '127.0.0.1', 'N6'],
    ['loopback, short', '127.1', 'N6'],
    ['zero', '0', 'N6'],
    ['localhost', 'localhost', 'N6'],
    ['a name of the stack', 'gateway', 'N6'],
    ['metadata', '169.254.169.254', 'N6'],
  ]
  return hosts.map(([notation, host, threat]) => ({
    name: `an address, ${notation}: ${host}`,
    threat,
    request: connect(`${host}:443`),
    follow: { hello: allowed },
    expect: 'refused',
  }))
}

/** N6: what two parsers might read differently. */
function malformedTargets({ allowed, unlisted, address }: Origin): ConnectCase[] {
  const targets: [string, string][] = [
    ['an unlisted name', connect(`${unlisted}:443`)],
    ['a name below a listed one', connect(`x.${allowed}:443`)],
    ['a listed name as a prefix', connect(`${allowed}.${unlisted}:443`)],
    ['a listed name as a suffix', connect(`not${allowed}:443`)],
    ['a leading dot', connect(`.${allowed}:443`)],
    ['userinfo before an unlisted name', connect(`${allowed}@${unlisted}:443`)],
    ['userinfo with a password', connect(`${allowed}:443@${unlisted}:443`)],
    ['userinfo before an address', connect(`${allowed}@${address}:443`)],
    ['a backslash', connect(`${unlisted}\\.${allowed}:443`)],
    ['a slash', connect(`${unlisted}/.${allowed}:443`)],
    ['a fragment', connect(`${unlisted}#.${allowed}:443`)],
    ['a query', connect(`${unlisted}?.${allowed}:443`)],
    ['NUL after a listed name', connect(`${allowed}\0.${unlisted}:443`)],
    ['NUL after an unlisted name', connect(`${unlisted}\0.${allowed}:443`)],
    ['encoded NUL', connect(`${unlisted}%00.${allowed}:443`)],
    ['encoded dot', connect(`${unlisted.replaceAll('.', '%2e')}:443`)],
    ['a full-width dot', connect(`${unlisted.replaceAll('.', '\xef\xbc\x8e')}:443`)],
    ['a space', connect(`${unlisted} ${allowed}:443`)],
    ['a tab', connect(`${unlisted}\t${allowed}:443`)],
    ['a second port', connect(`${allowed}:443:443`)],
    ['a letter after the port', connect(`${allowed}:443x`)],
    ['a sign before the port', connect(`${allowed}:+443`)],
    ['a zero before the port', connect(`${allowed}:0443`)],
    ['a port that is 443 in 16 bits', connect(`${allowed}:65979`)],
    ['two trailing dots', connect(`${allowed}..:443`)],
    ['brackets', connect(`[${allowed}]:443`)],
    ['an empty port', connect(`${allowed}:`)],
    ['no port', connect(allowed)],
    ['CR LF in the name', connect(`${unlisted}:443\r\nX: ${allowed}:443`)],
    ['a bare LF', `CONNECT ${unlisted}:443 HTTP/1.1\nHost: ${allowed}:443\n\n`],
    [
      'a Host header with a listed name',
      `CONNECT ${unlisted}:443 HTTP/1.1\r\nHost: ${allowed}:443\r\n\r\n`,
    ],
    [
      'two Host headers',
      `CONNECT ${unlisted}:443 HTTP/1.1\r\nHost: ${allowed}\r\nHost: ${unlisted}\r\n\r\n`,
    ],
    ['an empty name', connect(':443')],
    ['a name of 300 characters', connect(`${'a'.repeat(300)}.${allowed}:443`)],
    ['a header of 64 KiB', `CONNECT ${unlisted}:443 HTTP/1.1\r\nX: ${'a'.repeat(65536)}\r\n\r\n`],
    ['HTTP/0.9', `CONNECT ${unlisted}:443\r\n\r\n`],
    ['HTTP/2.0', connect(`${unlisted}:443`, 'HTTP/2.0')],
    ['a request behind a refused one', connect(`${unlisted}:443`) + connect(`${unlisted}:443`)],
    [
      'a chunked body before a request',
      `CONNECT ${unlisted}:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n${connect(`${unlisted}:443`)}`,
    ],
  ]
  const repaired: [string, string][] = [
    ['a listed name behind two spaces', `CONNECT  ${allowed}:443 HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['a listed name with a tab', connect(`${allowed}\t:443`)],
    ['a listed name with a space before the port', connect(`${allowed}: 443`)],
    ['a listed name with a word behind it', connect(`${allowed}:443 x`)],
    ['a listed name with a user', connect(`x@${allowed}:443`)],
  ]
  const refused = (cases: [string, string][], hello: string): ConnectCase[] =>
    cases.map(([name, request]) => ({
      ...{ name, request, threat: 'N6', follow: { hello }, expect: 'refused' },
    }))
  return [...refused(targets, unlisted), ...refused(repaired, allowed)]
}

/** N7, N14: the only thing let through is CONNECT to 443, even for a listed name. */
function portsMethodsSchemes({ allowed }: Origin): ConnectCase[] {
  const refused = (name: string, threat: 'N7' | 'N14', request: string): ConnectCase => ({
    name,
    threat,
    request,
    follow: 'plain',
    expect: 'refused',
  })
  const ports = ['22', '25', '53', '80', '8443', '3128', '0', '65979', '-1', '443443']
  const methods = [
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'PURGE',
    'connect',
    'X-ANY',
  ]
  const schemes = ['http', 'https', 'ftp', 'gopher', 'wais', 'whois', 'ws', 'coap', 'file']
  return [
    ...ports.map(port => ({
      ...refused(`CONNECT to port ${port}`, 'N7', connect(`${allowed}:${port}`)),
      follow: { hello: allowed },
    })),
    ...methods.flatMap(method => [
      refused(`${method} to port 22`, 'N7', send(method, `http://${allowed}:22/`, allowed)),
      refused(`${method} to port 443`, 'N7', send(method, `https://${allowed}/`, allowed)),
    ]),
    ...schemes.map(scheme =>
      refused(`GET ${scheme}:`, 'N7', send('GET', `${scheme}://${allowed}/`, allowed)),
    ),
    refused('CONNECT to a URL', 'N7', connect(`https://${allowed}:443/`)),
    refused(
      'TRACE that must not be forwarded',
      'N7',
      `TRACE http://${allowed}/ HTTP/1.1\r\nHost: ${allowed}\r\nMax-Forwards: 0\r\n\r\n`,
    ),
    refused('URN', 'N14', send('GET', `urn:${allowed}:x`, allowed)),
    refused('cache_object', 'N14', send('GET', `cache_object://${allowed}/info`, allowed)),
    refused("Squid's manager", 'N14', send('GET', '/squid-internal-mgr/info', 'proxy:3128')),
    refused(
      "Squid's manager by URL",
      'N14',
      send('GET', 'http://proxy:3128/squid-internal-mgr/menu', 'proxy:3128'),
    ),
    refused(
      "Squid's icons",
      'N14',
      send('GET', '/squid-internal-static/icons/SN.png', 'proxy:3128'),
    ),
    refused('an origin-form request', 'N14', send('GET', '/', allowed)),
    refused(
      'an upgrade',
      'N14',
      `GET http://${allowed}/ HTTP/1.1\r\nHost: ${allowed}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    ),
    refused(
      'PROXY protocol',
      'N14',
      `PROXY TCP4 127.0.0.1 127.0.0.1 1 443\r\n${connect(`${allowed}:22`)}`,
    ),
  ]
}

/** N9: the tunnel is for the name that was asked for. */
function serverNames({ allowed, alsoAllowed, unlisted, address }: Origin): ConnectCase[] {
  const to = connect(`${allowed}:443`)
  const refused = (name: string, follow: ConnectCase['follow']) =>
    ({ name, threat: 'N9', request: to, follow, expect: 'refused' }) as const
  return [
    refused('a hello for another listed name', { hello: alsoAllowed }),
    refused('a hello for an unlisted name', { hello: unlisted }),
    refused('a hello for a name below', { hello: `x.${allowed}` }),
    refused('a hello for a name above', { hello: allowed.split('.').slice(1).join('.') }),
    refused('a hello without a name', 'hello-without-name'),
    refused('plain HTTP in the tunnel', 'plain'),
    refused('an address as the name', { hello: `${address}.${allowed}` }),
  ]
}

/** N20: the origin answers any of these bytes, so only the proxy refuses. */
function helloForms({ allowed, unlisted }: Origin): ConnectCase[] {
  const request = connect(`${allowed}:443`)
  return [
    ...plainHellos(allowed).map(({ name, raw }) => ({
      ...({ threat: 'control', expect: 'reached' } as const),
      ...{ name: `a hello ${name}`, request, follow: { raw } },
    })),
    ...ambiguousHellos(allowed, unlisted).map(({ name, raw }) => ({
      ...({ threat: 'N20', expect: 'refused' } as const),
      ...{ name: `a hello with ${name}`, request, follow: { raw } },
    })),
  ]
}

/** N17: whatever the caller writes, the log holds one JSON object a line and no terminal escape. */
function forgedLines({ unlisted }: Origin): ConnectCase[] {
  const texts: [string, string][] = [
    ['quotes', `a".${unlisted}`],
    ['a forged field', `a","verdict":"allowed","x":".${unlisted}`],
    ['an escape sequence', `\x1b]0;owned\x07.${unlisted}`],
    ['a bare CR', `a\rb.${unlisted}`],
    ['bytes above ASCII', `\xff\xfe\x9b31m.${unlisted}`],
    ['a backslash at the end', `a\\.${unlisted}\\`],
    ['percent signs', `%0a%22%{x}note.${unlisted}`],
  ]
  return texts
    .flatMap(([name, host]) => [
      { name: `${name} in CONNECT`, request: connect(`${host}:443`) },
      { name: `${name} in a URL`, request: send('GET', `http://${host}/`, unlisted) },
      { name: `${name} as the method`, request: send(host, `http://${unlisted}/`, unlisted) },
      {
        name: `${name} in a header`,
        request: `CONNECT ${unlisted}:443 HTTP/1.1\r\nUser-Agent: ${host}\r\n\r\n`,
      },
    ])
    .map(one => ({ ...one, threat: 'N17', follow: 'plain', expect: 'refused' }))
}
