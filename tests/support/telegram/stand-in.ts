import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { listen } from '../http/listen.ts'
import { type BotApiControl, type BotApiOptions, createBotApi } from './bot-api.ts'
import { controlPaths } from './remote-control.ts'

export type TelegramStandIn = {
  /** The root of the API: a bot asks `URL/bot<token>/<method>`, and gets files at `URL/file/bot<token>/<path>`. */
  url: string
  /** Empty without a certificate. */
  httpsUrl: string
  control: BotApiControl
  close: () => Promise<void>
}

/**
 * A stand-in for Telegram's Bot API over HTTP and HTTPS, with the shapes, limits and refusals of the real one.
 *
 *     const telegram = await startTelegram()
 *     const { user, chat } = person(4711, 'Ann')
 *     telegram.control.send({ chat, from: user, text: '/status' })
 *     await until('an answer', async () => telegram.control.messages(chat.id).length > 1)
 *
 * People: `send` (text, caption, file, album, topic, reply, forward; a post if the chat is a channel), `edit`, `press`,
 * `createTopic`, `closeTopic`, `migrate`, `block`, `unblock`, `kick`; `raw` puts in any update. Failures: `fail` and `heal`
 * (faults.ts), `pollElsewhere`. What came of it: `messages` of a chat, `calls` of the bot, `file`, `updates`, `rates`, `unanswered` presses, `commands`.
 *
 * A chat exists once someone wrote in it. The token is `botToken`; a malformed one gets 404, another one 401. The
 * control is also at `POST /__control/NAME` over HTTP, for `remoteControl` of another process.
 */
export async function startTelegram(
  options: BotApiOptions & {
    host?: string
    httpPort?: number
    httpsPort?: number
    tls?: { cert: Buffer; key: Buffer }
  } = {},
): Promise<TelegramStandIn> {
  const { host = '127.0.0.1', tls } = options
  const { listener, control } = createBotApi(options)
  const operations = controlPaths(control)
  const both: RequestListener = (request, response) =>
    (request.url?.startsWith('/__control/') ? operations : listener)(request, response)
  const http = await listen(createHttpServer(both), host, options.httpPort ?? 0)
  // The bot comes over TLS, and gets no control.
  const https =
    tls && (await listen(createHttpsServer(tls, listener), host, options.httpsPort ?? 0))
  return {
    url: `http://${host}:${http.port}`,
    httpsUrl: https ? `https://${host}:${https.port}` : '',
    control,
    close: async () => {
      await Promise.all([http.close(), https?.close()])
    },
  }
}
