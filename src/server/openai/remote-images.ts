import * as z from 'zod'
import { attachmentBytes } from '../../run/request.ts'
import { createByteBudget, holderOf } from '../../tenants/byte-budget.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { Caller } from '../../tenants/tokens.ts'
import type { ChatMessage } from './chat-body.ts'
import type { Part } from './content.ts'
import type { FetchImage } from './image-fetch.ts'
import { badRequest } from './openai-error.ts'

const Remote = z.object({
  type: z.enum(['image_url', 'input_image']),
  image_url: z
    .union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)])
    .pipe(z.string().regex(/^https:/i)),
})

/** Bytes of all images of one request: what a prompt has room for, without base64. */
const requestBytes = (attachmentBytes / 4) * 3
const mostImages = 20
const requestMilliseconds = 30_000

/** Bytes of the requests that fetch images at once. */
const totalBytes = 4 * requestBytes

export type RemoteImagesOptions = {
  /** Null when images on the web are refused. */
  fetchImage: FetchImage | null
  /** Returns the number of tenants, which share the memory for images. */
  tenants: () => number
}

/** Puts images on the web into the requests that name them. */
export function createRemoteImages({ fetchImage, tenants }: RemoteImagesOptions) {
  const budget = createByteBudget({ total: totalBytes, each: totalBytes / 2, tenants })

  /** Returns the messages with each `https:` URL of an image replaced by the image, as a `data:` URL. */
  async function inline(
    caller: Caller,
    messages: readonly ChatMessage[],
    left: AbortSignal,
  ): Promise<ChatMessage[]> {
    const count = messages.flatMap(({ content }) => partsOf(content).filter(isRemote)).length
    if (count === 0 || !fetchImage) return [...messages]
    const fetch = fetchImage
    if (count > mostImages) throw badRequest(`more than ${mostImages} images are on the web`)
    const holder = holderOf(caller)
    if (!budget.take(holder, requestBytes)) throw tooManyImages()
    const signal = AbortSignal.any([left, AbortSignal.timeout(requestMilliseconds)])
    let bytes = requestBytes

    async function inlinePart(part: Part, param: string): Promise<Part> {
      const remote = Remote.safeParse(part)
      if (!remote.success) return part
      const url = await fetch(remote.data.image_url, { param, bytes, signal })
      bytes -= (url.length / 4) * 3
      return { type: 'image_url', image_url: url }
    }

    try {
      const result: ChatMessage[] = []
      for (const [index, message] of messages.entries()) {
        const parts: Part[] = []
        // One after the other, so that one request has one connection.
        for (const [at, part] of partsOf(message.content).entries()) {
          parts.push(await inlinePart(part, `messages.${index}.content.${at}`))
        }
        result.push(parts.length === 0 ? message : { ...message, content: parts })
      }
      return result
    } finally {
      budget.give(holder, requestBytes)
    }
  }

  return { inline }
}
export type RemoteImages = ReturnType<typeof createRemoteImages>

function partsOf(content: ChatMessage['content']): Part[] {
  return typeof content === 'string' ? [] : (content ?? [])
}

function isRemote(part: Part): boolean {
  return Remote.safeParse(part).success
}

function tooManyImages() {
  return new HttpError(503, 'too many images of the web are being fetched, retry later', {
    headers: { 'retry-after': '5' },
  })
}
