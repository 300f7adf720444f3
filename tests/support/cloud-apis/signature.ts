import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { aws } from './secrets.ts'

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()

/**
 * Returns what is wrong with the Signature Version 4 of a request; null when it is right. Written from
 * Amazon's description of the algorithm, without the library that the gateway signs with.
 */
export function signatureFault(request: {
  method: string
  /** As it came over the wire. */
  path: string
  headers: IncomingHttpHeaders
  body: Buffer
}): string | null {
  const { method, path, headers, body } = request
  const header = headers.authorization ?? ''
  if (header === `Bearer ${aws.apiKey}`) return null
  const [, scope = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header,
    ) ?? []
  const [keyId, day, region, service, end] = scope.split('/')
  if (keyId !== aws.accessKeyId) return `access key ${keyId}`
  if (region !== aws.region || service !== 'bedrock' || end !== 'aws4_request') return scope
  const time = String(headers['x-amz-date'])
  if (!time.startsWith(`${day}T`)) return `date ${time}`
  if (Math.abs(Date.parse(isoOf(time)) - Date.now()) > 300_000) return `clock ${time}`
  if (headers['x-amz-security-token'] !== aws.sessionToken) return 'session token'
  const signed = names.split(';')
  for (const name of ['host', 'x-amz-date', 'x-amz-security-token']) {
    if (!signed.includes(name)) return `${name} is not signed`
  }
  const canonical = [
    method,
    // Each segment of the path on the wire is encoded once more.
    path.split('/').map(encodeURIComponent).join('/'),
    '',
    ...signed.map(name => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    sha256(body),
  ].join('\n')
  const text = [
    'AWS4-HMAC-SHA256',
    time,
    `${day}/${region}/bedrock/aws4_request`,
    sha256(canonical),
  ]
  const key = [day ?? '', region, 'bedrock', 'aws4_request'].reduce<string | Buffer>(
    (previous, part) => hmac(previous, part),
    `AWS4${aws.secretAccessKey}`,
  )
  return hmac(key, text.join('\n')).toString('hex') === signature ? null : 'the signature differs'
}

function isoOf(time: string): string {
  return time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
}
