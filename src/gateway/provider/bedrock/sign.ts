import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { ApiError } from '../../api-error.ts'
import type { Credential } from '../../credential.ts'

/** The part of Node's SHA-256 that the signer uses; with a secret it is an HMAC. */
class Sha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView) {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset() {
    throw new Error('the signer uses each hash once')
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
}

/** Returns the headers of a signed POST to Amazon Bedrock: Signature Version 4, or a Bedrock API key. */
export async function signedHeaders(options: {
  credential: Credential
  region: string
  host: string
  /** As sent, each segment encoded once. */
  path: string
  headers: Record<string, string>
  body: Buffer
}): Promise<Record<string, string>> {
  const { credential, region, host, path, headers, body } = options
  if (credential.kind === 'bearer') {
    return { ...headers, host, authorization: `Bearer ${credential.secret}` }
  }
  if (credential.kind !== 'aws-key') {
    const text = 'claude-secure: the credential of the gateway is not one of Amazon Bedrock.'
    throw new ApiError(503, 'api_error', text)
  }
  const signer = new SignatureV4({
    service: 'bedrock',
    region,
    credentials: {
      accessKeyId: credential.accessKeyId,
      secretAccessKey: credential.secret,
      ...(credential.sessionToken !== undefined && { sessionToken: credential.sessionToken }),
    },
    sha256: Sha256,
  })
  const signed = await signer.sign({
    method: 'POST',
    protocol: 'https:',
    hostname: host,
    path,
    headers: { ...headers, host },
    body,
  })
  return signed.headers
}
