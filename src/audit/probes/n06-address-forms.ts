import { type Attempt, attemptAll, connectTo, listedNameWorks, noneReached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { check, type Probe } from '../probe.ts'

/** When two parsers disagree on an address, one allows it and the other dials it. */
export const addressForms: Probe = {
  id: 'N6',
  title: 'addresses and names in forms that parsers read differently',
  attack: 'CONNECT to an address or a name that is not listed, spelled so that it looks listed',
  standards: [standards.networkAccess],
  async run(scene) {
    const twin = await scene.twin()
    const { names, network } = twin
    const addresses = addressesOf(network.canaryOutside).flatMap((host): Attempt[] => [
      { name: host, request: connectTo(host), follow: { hello: names.listed } },
      { name: `${host} without a name`, request: connectTo(host), follow: 'hello-without-name' },
    ])
    const spelt = spellings(names.listed, names.unlisted, network.canaryOutside).map(
      ([name, request]): Attempt => ({ name, request, follow: { hello: names.unlisted } }),
    )
    const repaired = repairs(names.listed).map(
      ([name, request]): Attempt => ({ name, request, follow: { hello: names.listed } }),
    )
    const [works, byAddress, bySpelling, byRepair] = await Promise.all([
      listedNameWorks(twin),
      attemptAll(twin, addresses),
      attemptAll(twin, spelt),
      attemptAll(twin, repaired),
    ])
    const asked = (await twin.seen()).filter(
      event => event.kind === 'question' && event.name === names.unlisted,
    )
    return [
      works,
      noneReached('the proxy refuses every notation of an address', byAddress),
      noneReached('the proxy refuses every spelling of an unlisted name', bySpelling),
      noneReached('the proxy does not repair a target that is not NAME:443', byRepair),
      check(
        'no spelling makes the proxy look up the unlisted name',
        asked.length === 0,
        `${asked.length} queries for ${names.unlisted}`,
      ),
    ]
  },
}

/** Targets from which a lenient parser takes the listed name. */
function repairs(listed: string): [string, string][] {
  return [
    ['two spaces', `CONNECT  ${listed}:443 HTTP/1.1\r\nHost: ${listed}\r\n\r\n`],
    ['a tab', connectTo(`${listed}\t`)],
    ['a space before the port', `CONNECT ${listed}: 443 HTTP/1.1\r\nHost: ${listed}\r\n\r\n`],
    ['a user', connectTo(`x@${listed}`)],
    ...[
      `${listed}:443:443`,
      `${listed}:443x`,
      `${listed}:+443`,
      `${listed}:0443`,
      `${listed}:65979`,
      `${listed}..:443`,
      `[${listed}]:443`,
      `${listed}:`,
      listed,
    ].map((target): [string, string] => [
      target.replace(listed, 'NAME'),
      `CONNECT ${target} HTTP/1.1\r\nHost: ${listed}\r\n\r\n`,
    ]),
  ]
}

function addressesOf(address: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  const number = ((a * 256 + b) * 256 + c) * 256 + d
  const hex = (byte: number) => byte.toString(16).padStart(2, '0')
  const bytes = [a, b, c, d]
  return [
    address,
    `${address}.`,
    `${number}`,
    `0x${number.toString(16)}`,
    `0${number.toString(8)}`,
    bytes.map(byte => `0x${hex(byte)}`).join('.'),
    bytes.map(byte => `0${byte.toString(8)}`).join('.'),
    `${a}.${b}.${c}.0x${hex(d)}`,
    `${a}.${b}.${c * 256 + d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    bytes.map(byte => `${byte}`.padStart(4, '0')).join('.'),
    `%${address.charCodeAt(0).toString(16)}${address.slice(1)}`,
    `[::ffff:${address}]`,
    `[::ffff:${hex(a)}${hex(b)}:${hex(c)}${hex(d)}]`,
    `[::${address}]`,
    `[64:ff9b::${address}]`,
  ]
}

function spellings(listed: string, unlisted: string, address: string): [string, string][] {
  return [
    ['the plain name', connectTo(unlisted)],
    ['a listed prefix', connectTo(`${listed}.${unlisted}`)],
    ['a leading dot', connectTo(`.${unlisted}`)],
    ['a trailing dot', connectTo(`${unlisted}.`)],
    ['a listed user', connectTo(`${listed}@${unlisted}`)],
    ['a listed user and port', connectTo(`${listed}:443@${unlisted}`)],
    ['a listed user of an address', connectTo(`${listed}@${address}`)],
    ['a backslash', connectTo(`${unlisted}\\.${listed}`)],
    ['a slash', connectTo(`${unlisted}/.${listed}`)],
    ['a fragment', connectTo(`${unlisted}#.${listed}`)],
    ['a query', connectTo(`${unlisted}?.${listed}`)],
    ['NUL', connectTo(`${unlisted}\0.${listed}`)],
    ['NUL after the listed one', connectTo(`${listed}\0.${unlisted}`)],
    ['encoded NUL', connectTo(`${unlisted}%00.${listed}`)],
    ['encoded dots', connectTo(unlisted.replaceAll('.', '%2e'))],
    ['full-width dots', connectTo(unlisted.replaceAll('.', '\xef\xbc\x8e'))],
    ['a space', connectTo(`${unlisted} ${listed}`)],
    ['a tab', connectTo(`${unlisted}\t${listed}`)],
    ['CR LF', `CONNECT ${unlisted}:443\r\nX: ${listed}:443 HTTP/1.1\r\n\r\n`],
    ['a bare LF', `CONNECT ${unlisted}:443 HTTP/1.1\nHost: ${listed}:443\n\n`],
    ['a listed Host', `CONNECT ${unlisted}:443 HTTP/1.1\r\nHost: ${listed}:443\r\n\r\n`],
    ['a URL', connectTo(`https://${unlisted}`)],
    ['HTTP/0.9', `CONNECT ${unlisted}:443\r\n\r\n`],
    ['HTTP/2.0', `CONNECT ${unlisted}:443 HTTP/2.0\r\n\r\n`],
    ['twice', connectTo(unlisted) + connectTo(unlisted)],
    [
      'behind a body of two lengths',
      `CONNECT ${unlisted}:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n${connectTo(unlisted)}`,
    ],
  ]
}
