import { InputFile } from 'grammy'
import { terminalText } from '../../base/terminal-text.ts'
import { readChunks } from '../../files/held-file.ts'
import type { Button } from '../choice-keyboard.ts'
import type { FormattedText } from '../formatted-text.ts'
import type { SentFile } from '../sent-files.ts'
import { messageUnits } from '../split.ts'
import type { BotApi } from './bot-api.ts'
import type { Sender, Sent } from './sender.ts'

/** Where something is sent. `topic` of a forum; null elsewhere. */
export type Spot = { chat: number; topic: number | null }

export type SayOptions = {
  /** Id of the message that it answers. */
  replyTo?: number | undefined
  buttons?: readonly (readonly Button[])[]
  /** Without a sound. */
  silent?: boolean
  /** Text below a file. */
  caption?: string
}

/** Telegram shows at most so many characters in the answer to a press. */
const alertCharacters = 200

/** Sends, edits and removes messages of the bot. */
export function createMessages({ api, sender }: { api: BotApi; sender: Sender }) {
  const shared = ({ topic }: Spot, { replyTo, buttons, silent }: SayOptions) => ({
    ...(topic !== null && { message_thread_id: topic }),
    ...(replyTo !== undefined && {
      reply_parameters: { message_id: replyTo, allow_sending_without_reply: true },
    }),
    ...(buttons && { reply_markup: keyboard(buttons) }),
    ...(silent && { disable_notification: true }),
    // Telegram would fetch an address that hostile text names.
    link_preview_options: { is_disabled: true },
  })

  async function send(
    spot: Spot,
    { text, entities }: FormattedText,
    options: SayOptions,
  ): Promise<Sent<number>> {
    const more = shared(spot, options)
    const once = (given: object) =>
      sender.send(spot.chat, async chat => {
        const all = { ...more, ...given } as Parameters<BotApi['sendMessage']>[2]
        return (await api.sendMessage(chat, text, all)).message_id
      })
    const sent = await once(entities.length > 0 ? { entities } : {})
    if (sent.kind !== 'failed') return sent
    // What Telegram does not take as formatted is shown as it is.
    if (sent.failure.kind === 'entities') return once({})
    // Its topic was deleted.
    if (sent.failure.kind === 'gone' && spot.topic !== null) {
      return send({ ...spot, topic: null }, { text, entities }, options)
    }
    return sent
  }

  return {
    /** Sends a part of an answer. */
    sendFormatted: (spot: Spot, message: FormattedText, options: SayOptions = {}) =>
      send(spot, message, options),

    /** Sends plain text, cut to one message; returns its id, or null when it was not sent. */
    async say(spot: Spot, text: string, options: SayOptions = {}): Promise<number | null> {
      const sent = await send(spot, { text: fitted(text), entities: [] }, options)
      return sent.kind === 'sent' ? sent.value : null
    },

    /** Replaces the text of a message. One that waits gives way to a later one. */
    async edit(
      spot: Spot,
      message: number,
      text: string,
      buttons: readonly (readonly Button[])[] = [],
      { last = false }: { last?: boolean } = {},
    ): Promise<void> {
      await sender.send(
        spot.chat,
        chat =>
          api.editMessageText(chat, message, fitted(text), {
            reply_markup: keyboard(buttons),
            link_preview_options: { is_disabled: true },
          }),
        last ? {} : { shows: `edit:${message}` },
      )
    },

    /** Takes the buttons of a message away, and leaves its text. */
    async takeButtons({ chat }: Pick<Spot, 'chat'>, message: number): Promise<void> {
      await sender.send(chat, present =>
        api.editMessageReplyMarkup(present, message, { reply_markup: keyboard([]) }),
      )
    },

    async remove({ chat }: Spot, message: number): Promise<boolean> {
      const sent = await sender.send(chat, present => api.deleteMessage(present, message))
      return sent.kind === 'sent'
    },

    /** Sends a file; `open` opens it for each attempt, and the file is closed. */
    async file(
      spot: Spot,
      open: () => Promise<SentFile>,
      options: SayOptions = {},
    ): Promise<Sent<number>> {
      const { caption = '' } = options
      const more = { ...shared(spot, options), ...(caption !== '' && { caption }) }
      let shown: SentFile['kind'] = 'document'
      const once = (as?: 'document') =>
        sender.send(spot.chat, async chat => {
          const { kind, name, file } = await open()
          shown = as ?? kind
          try {
            const content = new InputFile(readChunks(file), quoted(name))
            return (await sendAs(api, shown)(chat, content, more)).message_id
          } finally {
            await file.close()
          }
        })
      const sent = await once()
      const isRefused = sent.kind === 'failed' && sent.failure.kind === 'refused'
      // Not an image or a video that Telegram can show.
      return isRefused && shown !== 'document' ? once('document') : sent
    },

    /** Sends text as a document. */
    document: (spot: Spot, name: string, text: string, options: SayOptions = {}) =>
      sender.send(spot.chat, async chat => {
        const content = new InputFile(Buffer.from(text), quoted(name))
        return (await api.sendDocument(chat, content, shared(spot, options))).message_id
      }),

    /** Ends the waiting state of a pressed button. It is not worth a repetition. */
    async pressed(id: string, text = ''): Promise<void> {
      await api
        .answerCallbackQuery(id, { text: terminalText(text).slice(0, alertCharacters) })
        .catch(() => {})
    },
  }
}
export type Messages = ReturnType<typeof createMessages>

function sendAs(api: BotApi, kind: SentFile['kind']) {
  switch (kind) {
    case 'photo':
      return api.sendPhoto.bind(api)
    case 'video':
      return api.sendVideo.bind(api)
    case 'document':
      return api.sendDocument.bind(api)
    default:
      return kind satisfies never
  }
}

/** grammY writes the name into a header as it is: without quotes, one with `;` would be another parameter. */
function quoted(name: string): string {
  return `"${name.replace(/["\\\r\n]/g, '_')}"`
}

function keyboard(buttons: readonly (readonly Button[])[]) {
  return {
    inline_keyboard: buttons.map(row =>
      row.map(({ text, callback_data }) => ({ text: text.slice(0, 64), callback_data })),
    ),
  }
}

/** Returns text that is one message: without control characters, and not empty. */
export function fitted(text: string): string {
  const safe = terminalText(text).trim()
  if (safe === '') return '(empty)'
  return safe.length > messageUnits ? `${safe.slice(0, messageUnits - 1)}…` : safe
}
