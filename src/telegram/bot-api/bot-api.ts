import { Api } from 'grammy'
import { type Dispatcher, request } from 'undici'
import { systemCode } from '../../base/errors.ts'
import { parseJson } from '../../base/json.ts'
import { readBounded } from '../../base/read-bounded.ts'

/** A hundred updates with their longest texts stay below it. */
const answerBytes = 32 * 1024 * 1024
/** Above the 50 s of a long poll, and for an upload of 50 MB. */
const callSeconds = 180

export type BotApi = Api & {
  /** Opens the content of a file by the path that `getFile` gave. */
  download: (path: string, signal: AbortSignal) => AsyncIterable<Uint8Array>
}

/**
 * Creates the client of the Bot API. grammY knows no proxy, and its errors can hold the URL, which has the bot's token
 * in it (threat M7): each call goes through `dispatcher`, and fails with words of our own.
 *
 * @param dispatcher the way out of the server, through its proxy
 */
export function createBotApi(options: {
  token: string
  dispatcher: Dispatcher
  root?: string
}): BotApi {
  const { token, dispatcher, root = 'https://api.telegram.org' } = options
  const api = new Api(token, {
    apiRoot: root,
    timeoutSeconds: callSeconds,
    sensitiveLogs: false,
    fetch: fetchThrough(dispatcher) as unknown as typeof fetch,
  })

  async function* download(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    // It becomes part of a URL that has the token in it.
    if (!/^[\w.-]+(?:\/[\w.-]+){0,8}$/.test(path) || path.includes('..')) {
      throw new BotApiUnreachable('Telegram named a file with a path that is not one')
    }
    const url = `${root}/file/bot${token}/${path}`
    const answer = await request(url, { dispatcher, signal }).catch(error => {
      throw unreachable(error)
    })
    if (answer.statusCode !== 200) {
      // Not destroyed: that is an error event, which would end the server.
      await answer.body.dump().catch(() => {})
      throw new BotApiUnreachable(`the download of a file was answered with ${answer.statusCode}`)
    }
    try {
      for await (const chunk of answer.body) yield chunk as Uint8Array
    } catch (error) {
      throw unreachable(error)
    }
  }

  return Object.assign(api, { download })
}

/** No answer of the Bot API. Its message has no address: that of a file or a method has the token in it. */
export class BotApiUnreachable extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BotApiUnreachable'
  }
}

/** The part of grammY's call that we use. Its signal is not that of Node.js. */
type Call = {
  method: string
  headers: Record<string, string>
  body?: string | AsyncIterable<Uint8Array>
  signal?: Pick<AbortSignal, 'aborted' | 'addEventListener' | 'removeEventListener'>
}

/** Makes the `fetch` of grammY: it reads `json()` alone. */
function fetchThrough(dispatcher: Dispatcher) {
  return async (url: string, { method, headers, body, signal }: Call) => {
    const controller = new AbortController()
    const abort = () => controller.abort()
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    try {
      const answer = await request(url, {
        ...{ dispatcher, method: method as 'POST', signal: controller.signal },
        headers: { 'content-type': headers['content-type'] ?? 'application/json' },
        body: (body ?? null) as string | null,
        headersTimeout: callSeconds * 1_000,
        bodyTimeout: callSeconds * 1_000,
      })
      const text = await readBounded(answer.body, answerBytes, 'the answer of Telegram')
      const { statusCode } = answer
      return { json: async () => parseJson(String(text)) ?? noJson(statusCode) }
    } catch (error) {
      throw unreachable(error)
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }
}

/** A page of a proxy or a balancer in front of the Bot API. */
function noJson(status: number) {
  return { ok: false, error_code: status < 400 ? 502 : status, description: 'no JSON' }
}

function unreachable(error: unknown): BotApiUnreachable {
  if (error instanceof BotApiUnreachable) return error
  const refused = error instanceof Error && /^Proxy response \((\d{3})\)/.exec(error.message)
  if (refused) {
    const [, status] = refused
    return new BotApiUnreachable(
      `the proxy refused api.telegram.org (${status}): its log has the reason`,
    )
  }
  const code = systemCode(error) ?? ''
  return new BotApiUnreachable(
    /^[A-Z_0-9]{1,40}$/.test(code) ? `no answer: ${code}` : 'no answer in time',
  )
}
