import { isIP } from 'node:net'
import { type Dispatcher, request } from 'undici'
import { systemCode } from '../../base/errors.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { refusedByProxy } from '../through-proxy.ts'
import { badRequest } from './openai-error.ts'

/**
 * Fetches an image and returns it as a `data:` URL. Throws for one that is larger than `bytes`; `param` names the
 * member of the request in errors.
 */
export type FetchImage = (
  url: string,
  options: { param: string; bytes: number; signal: AbortSignal },
) => Promise<string>

/** How a file of each type begins, in hex. */
const heads: readonly [type: string, head: RegExp][] = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  ['image/gif', /^474946383[79]61/],
  ['image/webp', /^52494646.{8}57454250/],
]

/**
 * Creates the way to images on the web: through the proxy, to names of the server's list. The proxy refuses every
 * other name, and private addresses behind a name. Follows no redirect, which could lead to one that was not named
 * (threat M5).
 */
export function createImageFetch(dispatcher: Dispatcher): FetchImage {
  return async (address, { param, bytes, signal }) => {
    const url = publicUrl(address, param)
    const failed = (reason: string) =>
      badRequest(`the image of ${url.hostname} was not fetched: ${reason}`, param)
    try {
      const answer = await request(url, {
        ...{ dispatcher, signal },
        headers: { accept: heads.map(([type]) => type).join(', '), 'user-agent': 'claude-secure' },
      })
      const { statusCode, body } = answer
      if (statusCode !== 200) {
        body.destroy()
        throw failed(statusCode < 400 ? 'it redirects elsewhere' : `status ${statusCode}`)
      }
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of body) {
        size += chunk.length
        if (size > bytes) throw failed(`it is larger than ${bytes} bytes`)
        chunks.push(chunk)
      }
      const image = Buffer.concat(chunks)
      // Not what the site calls it: the model refuses an image of another type than its name.
      const type = heads.find(([, head]) => head.test(image.toString('hex', 0, 16)))?.[0]
      if (!type) throw failed('it is not PNG, JPEG, GIF or WebP')
      return `data:${type};base64,${image.toString('base64')}`
    } catch (error) {
      if (error instanceof HttpError) throw error
      // Not the text of the error, which can quote the site.
      throw failed(refusedByProxy(error) ?? systemCode(error) ?? 'no answer in time')
    }
  }
}

/** An address has no name on the list, and another port no way through the proxy. */
function publicUrl(address: string, param: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null
  const isPublic =
    url?.protocol === 'https:' &&
    url.port === '' &&
    url.username === '' &&
    url.password === '' &&
    isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0 &&
    url.hostname.includes('.')
  if (url && isPublic) return url
  throw badRequest('an image on the web must have an https: URL with a public name', param)
}
