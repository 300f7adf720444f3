/** A TLS hello of exact bytes, as latin1 text in the pieces in which it is sent. */
export type MadeHello = { name: string; raw: readonly string[] }

/** The hellos that the proxy must refuse: servers differ in which name they read, or find `other` in them. */
export function ambiguousHellos(listed: string, other: string): MadeHello[] {
  const one = serverName(entry(listed))
  const tooLong = `${'a'.repeat(60)}.`.repeat(5)
  return [
    whole('two names in one list', hello(serverName(entry(listed), entry(other)))),
    whole(
      'two names in one list, the listed one last',
      hello(serverName(entry(other), entry(listed))),
    ),
    whole('two extensions', hello(one, serverName(entry(other)))),
    whole('two extensions, the listed one last', hello(serverName(entry(other)), one)),
    whole('a name of another type first', hello(serverName(entry(other, 1), entry(listed)))),
    whole('a name of another type last', hello(serverName(entry(listed), entry(other, 1)))),
    whole('a NUL in the name', hello(serverName(entry(`${listed}\0.${other}`)))),
    whole('a NUL behind the name', hello(serverName(entry(`${listed}\0`)))),
    whole('a byte above ASCII', hello(serverName(entry(`${listed}\xff`)))),
    whole('a space in the name', hello(serverName(entry(`${listed} ${listed}`)))),
    whole('a final dot', hello(serverName(entry(`${listed}.`)))),
    whole('an empty list', hello(serverName())),
    whole('an empty name', hello(serverName(entry('')))),
    whole('a name that is too long', hello(serverName(entry(`${tooLong}${listed}`)))),
    whole('an address', hello(serverName(entry('203.0.113.7')))),
    whole('no server name', hello(padding(20))),
    whole('no extension', hello()),
    whole(
      'a list that is longer than its extension',
      hello(extension(0, `${number(99, 2)}${entry(listed)}`)),
    ),
    whole(
      'bytes behind the list',
      hello(extension(0, `${sized(entry(listed), 2)}${entry(other)}`)),
    ),
    whole('two extensions of another type', hello(one, padding(4), padding(4))),
    whole('bytes behind the extensions', records(message(body([one], entry(other))))),
    whole(
      'a second hello in the record',
      records(`${message(body([one]))}${message(body([serverName(entry(other))]))}`),
    ),
    whole('a second hello in its own record', `${hello(one)}${hello(serverName(entry(other)))}`),
    whole('an alert first', `\x15\x03\x01\x00\x02\x01\x00${hello(one)}`),
    whole(
      'two names over records of 7 bytes',
      records(message(body([serverName(entry(listed), entry(other))])), 7),
    ),
    {
      name: 'two extensions in pieces of 40 bytes',
      raw: pieces(hello(one, serverName(entry(other))), 40),
    },
    whole('an SSLv2 hello', ssl2Hello()),
  ]
}

/** Hellos of unusual form that have one reading, and must pass. */
export function plainHellos(listed: string): MadeHello[] {
  const one = serverName(entry(listed))
  return [
    whole('one name', hello(one)),
    whole('one name in capitals', hello(serverName(entry(listed.toUpperCase())))),
    whole('over records of 7 bytes', records(message(body([one, padding(300)])), 7)),
    { name: 'in pieces of 40 bytes', raw: pieces(hello(one, padding(300)), 40) },
    whole('as long as with a post-quantum key', hello(one, padding(1800))),
    whole('with GREASE', hello(extension(0x1a1a, ''), one, extension(0xdada, '\0'))),
    whole('with an outer hello of ECH', hello(extension(0xfe0d, `\0${'e'.repeat(200)}`), one)),
  ]
}

const whole = (name: string, bytes: string): MadeHello => ({ name, raw: [bytes] })
const hello = (...extensions: string[]) => records(message(body(extensions)))
const entry = (name: string, type = 0) => `${number(type, 1)}${sized(name, 2)}`
const serverName = (...entries: string[]) => extension(0, sized(entries.join(''), 2))
const padding = (bytes: number) => extension(21, '\0'.repeat(bytes))
const extension = (type: number, content: string) => `${number(type, 2)}${sized(content, 2)}`

function body(extensions: readonly string[], behind = '') {
  const ciphers = sized('\x13\x01\x13\x02\xc0\x2f', 2)
  const listed = extensions.length === 0 ? '' : sized(extensions.join(''), 2)
  return `\x03\x03${'r'.repeat(32)}${sized('s'.repeat(32), 1)}${ciphers}${sized('\0', 1)}${listed}${behind}`
}

const message = (content: string) => `\x01${sized(content, 3)}`

function records(handshake: string, bytes = 16_384) {
  return pieces(handshake, bytes)
    .map(piece => `\x16\x03\x01${sized(piece, 2)}`)
    .join('')
}

function ssl2Hello() {
  const content = `\x01\x03\x03${number(3, 2)}${number(0, 2)}${number(16, 2)}\0\x00\x2f${'r'.repeat(16)}`
  return `${number(0x8000 | content.length, 2)}${content}`
}

function pieces(text: string, length: number) {
  return Array.from({ length: Math.ceil(text.length / length) }, (_, i) =>
    text.slice(i * length, (i + 1) * length),
  )
}

function sized(content: string, bytes: number) {
  return `${number(content.length, bytes)}${content}`
}

/** Returns a big-endian number as latin1 text. */
function number(value: number, bytes: number) {
  return Array.from({ length: bytes }, (_, i) =>
    String.fromCharCode((value >>> (8 * (bytes - 1 - i))) & 255),
  ).join('')
}
