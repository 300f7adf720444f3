import {
  createHash,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'

export interface Authority {
  name: string
  certificate: string
  key: KeyObject
}

/** A throw-away certificate authority: only a test that is given its certificate trusts it. */
export function createAuthority(name = 'claude-secure test CA'): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = sign({
    subject: name,
    issuer: name,
    publicKey,
    signer: privateKey,
    extensions: [
      // basicConstraints: it is an authority; keyUsage: it signs certificates.
      extension('551d13', true, sequence(tlv(0x01, Buffer.from([0xff])))),
      extension('551d0f', true, tlv(0x03, Buffer.from([0x02, 0x04]))),
      extension('551d0e', false, tlv(0x04, keyId(publicKey))),
    ],
  })
  return { name, certificate, key: privateKey }
}

/** A server certificate for these names (or IPv4 addresses), with its key, both as PEM. */
export function issueCertificate(authority: Authority, names: readonly string[]) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const alternatives = names.map(name =>
    /^[\d.]+$/.test(name)
      ? tlv(0x87, Buffer.from(name.split('.').map(Number)))
      : tlv(0x82, Buffer.from(name)),
  )
  const cert = sign({
    subject: names[0] ?? 'unnamed',
    issuer: authority.name,
    publicKey,
    signer: authority.key,
    extensions: [
      extension('551d11', false, sequence(...alternatives)),
      extension('551d23', false, sequence(tlv(0x80, keyId(createPublicKey(authority.key))))),
    ],
  })
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** What ties a certificate to the key that signed it; strict verifiers ask for it. */
function keyId(publicKey: KeyObject): Buffer {
  const der = publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(der).digest().subarray(0, 20)
}

interface Unsigned {
  subject: string
  issuer: string
  publicKey: KeyObject
  signer: KeyObject
  extensions: Buffer[]
}

// DER by hand: a certificate is five nested sequences, and Node can sign but not write one.
function sign({ subject, issuer, publicKey, signer, extensions }: Unsigned): string {
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
  const body = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    ecdsaWithSha256,
    name(issuer),
    sequence(date(-1), date(30)),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  )
  const signature = createSign('sha256').update(body).sign(signer)
  const der = sequence(body, ecdsaWithSha256, bitString(signature))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : [0x82, Math.floor(length / 0x100), length % 0x100]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: Buffer[]) => tlv(0x30, Buffer.concat(parts))
const integer = (bytes: Buffer) => tlv(0x02, bytes)
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'))
const bitString = (bytes: Buffer) => tlv(0x03, Buffer.concat([Buffer.from([0]), bytes]))
const name = (commonName: string) =>
  sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(commonName)))))

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [tlv(0x01, Buffer.from([0xff]))] : []
  return sequence(oid(id), ...flag, tlv(0x04, value))
}

function date(days: number): Buffer {
  const iso = new Date(Date.now() + days * 86_400_000).toISOString()
  return tlv(0x17, Buffer.from(`${iso.slice(2, 19).replace(/[-:T]/g, '')}Z`))
}
