import { badRequest } from './api-error.ts'
import type { Chat, MediaKind, Message } from './bot-objects.ts'
import { type Chats, quoted, seconds } from './chats.ts'
import type { Files } from './files.ts'
import { checkMarkupOf, checkText } from './message-text.ts'
import type { Parameters, Upload } from './parameters.ts'
import { botUser } from './token.ts'
import type { UpdateQueue } from './update-queue.ts'

export type MethodParts = {
  chats: Chats
  files: Files
  queue: UpdateQueue
  /** Ids of the presses that the bot has not answered. */
  presses: Set<string>
  /** Commands by scope, as setMyCommands has set them. */
  commands: Map<string, unknown>
}

type Method = (parameters: Parameters, gone: AbortSignal) => unknown

/** Methods that send or change a message: Telegram limits their rate. */
export const limited = /^(?:send(?!ChatAction)|edit|copy|forward)/

/** The methods of the Bot API that the stand-in has, with the answers and refusals of the real ones. */
export function createMethods(parts: MethodParts): Record<string, Method> {
  const { chats, files, queue, presses, commands } = parts

  /** Returns the members of a message that any send has in common. */
  function place(values: Record<string, unknown>) {
    const kept = chats.writable(values.chat_id)
    const topic = values.message_thread_id
    if (topic !== undefined) {
      const isClosed = kept.topics.get(Number(topic))
      if (isClosed === undefined) throw badRequest('message thread not found')
      if (isClosed) throw badRequest('TOPIC_CLOSED')
    }
    const reply = replyOf(values)
    const repliedTo = reply && kept.messages.get(reply.id)
    if (reply && !repliedTo && !reply.optional) throw badRequest('message to be replied not found')
    return {
      kept,
      members: {
        from: { ...botUser },
        ...(topic !== undefined && {
          message_thread_id: Number(topic),
          is_topic_message: true as const,
        }),
        ...(repliedTo && { reply_to_message: quoted(repliedTo) }),
      },
    }
  }

  function own(values: Record<string, unknown>, what: string) {
    const kept = chats.writable(values.chat_id)
    const message = kept.messages.get(Number(values.message_id))
    if (!message) throw badRequest(`message to ${what} not found`)
    if (message.from?.id !== botUser.id) throw badRequest(`message can't be edited`)
    return message
  }

  function sendMedia(kind: MediaKind): Method {
    return ({ values, uploads }) => {
      const { kept, members } = place(values)
      const { text, entities } = checkText('caption', values)
      const file = mediaOf(kind, values, uploads)
      const markup = checkMarkupOf(values)
      return chats.add(kept, {
        ...{ date: seconds(), ...members },
        [kind]: files.describe(kind, file),
        ...(text !== '' && { caption: text }),
        ...(entities.length > 0 && { caption_entities: entities }),
        ...(markup && { reply_markup: markup }),
      })
    }
  }

  function mediaOf(kind: MediaKind, values: Record<string, unknown>, uploads: Map<string, Upload>) {
    const given = String(values[kind] ?? '')
    const field = given.startsWith('attach://') ? given.slice('attach://'.length) : kind
    const upload = uploads.get(field)
    if (!upload) {
      const known = files.content(given)
      if (known) return { bytes: known.bytes, name: known.name ?? '' }
      throw badRequest(
        given === '' ? `there is no ${kind} in the request` : 'wrong file identifier',
      )
    }
    if (upload.bytes.length === 0) throw badRequest('file must be non-empty')
    if (kind === 'photo') checkPhoto(upload.bytes)
    return upload
  }

  return {
    getMe: () => ({
      ...botUser,
      can_join_groups: true,
      can_read_all_group_messages: true,
      supports_inline_queries: false,
      can_connect_to_business: false,
      has_main_web_app: false,
    }),
    getUpdates: ({ values }, gone) =>
      queue.take(
        {
          offset: Number(values.offset ?? 0),
          limit: Number(values.limit ?? 100),
          timeout: Number(values.timeout ?? 0),
          ...(Array.isArray(values.allowed_updates) && { allowed: values.allowed_updates }),
        },
        gone,
      ),
    deleteWebhook: () => true,
    getWebhookInfo: () => ({
      url: '',
      has_custom_certificate: false,
      pending_update_count: queue.state().waiting.length,
    }),
    sendMessage: ({ values }) => {
      const { kept, members } = place(values)
      const { text, entities } = checkText('text', values)
      const markup = checkMarkupOf(values)
      return chats.add(kept, {
        ...{ date: seconds(), ...members, text },
        ...(entities.length > 0 && { entities }),
        ...(markup && { reply_markup: markup }),
      })
    },
    editMessageText: ({ values }) => {
      const message = own(values, 'edit')
      if (message.text === undefined) throw badRequest('there is no text in the message to edit')
      const { text, entities } = checkText('text', values)
      return change(message, { text, entities, reply_markup: checkMarkupOf(values) })
    },
    editMessageReplyMarkup: ({ values }) =>
      change(own(values, 'edit'), { reply_markup: checkMarkupOf(values) }),
    deleteMessage: ({ values }) => {
      const kept = chats.writable(values.chat_id)
      if (!kept.messages.delete(Number(values.message_id))) {
        throw badRequest('message to delete not found')
      }
      return true
    },
    ...{ sendDocument: sendMedia('document'), sendPhoto: sendMedia('photo') },
    ...{ sendVideo: sendMedia('video'), sendAnimation: sendMedia('animation') },
    ...{ sendAudio: sendMedia('audio'), sendVoice: sendMedia('voice') },
    sendChatAction: ({ values }) => {
      chats.writable(values.chat_id)
      const known = /^(?:typing|(?:upload|record)_(?:photo|video|voice|document)|choose_sticker)$/
      if (!known.test(String(values.action))) throw badRequest('wrong parameter action in request')
      return true
    },
    getFile: ({ values }) => files.get(String(values.file_id)),
    getChat: ({ values }) => chats.find(values.chat_id).chat satisfies Chat,
    answerCallbackQuery: ({ values }) => {
      if (String(values.text ?? '').length > 200) throw badRequest('MESSAGE_TOO_LONG')
      if (presses.delete(String(values.callback_query_id))) return true
      throw badRequest('query is too old and response timeout expired or query ID is invalid')
    },
    setMessageReaction: ({ values }) => {
      const { messages } = chats.writable(values.chat_id)
      if (!messages.has(Number(values.message_id))) throw badRequest('message to react not found')
      return true
    },
    setMyCommands: ({ values }) => {
      const list = values.commands as { command: string; description: string }[]
      if (!Array.isArray(list)) throw badRequest("can't parse commands: expected an Array")
      if (list.length > 100) throw badRequest('BOT_COMMANDS_TOO_MUCH')
      for (const { command, description } of list) {
        if (!/^[a-z0-9_]{1,32}$/.test(command)) throw badRequest('BOT_COMMAND_INVALID')
        if (!/^.{1,256}$/s.test(description)) throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID')
      }
      commands.set(scopeOf(values), list)
      return true
    },
    getMyCommands: ({ values }) => commands.get(scopeOf(values)) ?? [],
    deleteMyCommands: ({ values }) => {
      commands.delete(scopeOf(values))
      return true
    },
  }
}

function scopeOf({ scope }: Record<string, unknown>) {
  return JSON.stringify(scope ?? { type: 'default' })
}

/** Changes a message. Telegram refuses a change that changes nothing. */
function change(message: Message, next: Partial<Message>): Message {
  const entities = next.entities?.length === 0 ? undefined : next.entities
  const changed = { ...next, ...('entities' in next && { entities }) }
  const same = Object.entries(changed).every(
    ([name, value]) => JSON.stringify(value) === JSON.stringify(message[name]),
  )
  if (same) {
    throw badRequest(
      'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
    )
  }
  for (const [name, value] of Object.entries(changed)) {
    if (value === undefined) delete message[name]
    else message[name] = value
  }
  message.edit_date = seconds()
  return message
}

function replyOf(values: Record<string, unknown>) {
  const { reply_parameters: given, reply_to_message_id: old } = values
  const parameters = given as
    | { message_id: number; allow_sending_without_reply?: boolean }
    | undefined
  if (parameters) {
    return {
      id: Number(parameters.message_id),
      optional: parameters.allow_sending_without_reply === true,
    }
  }
  return old === undefined ? null : { id: Number(old), optional: false }
}

/** A photo is at most 10 MB, and really one. */
function checkPhoto(bytes: Buffer) {
  if (bytes.length > 10 * 1024 * 1024) throw badRequest('file is too big')
  const heads = [Buffer.from('\x89PNG', 'latin1'), Buffer.from('\xff\xd8\xff', 'latin1')]
  const isWebp = bytes.subarray(0, 4).equals(Buffer.from('RIFF'))
  if (isWebp || heads.some(head => bytes.subarray(0, head.length).equals(head))) return
  throw badRequest('IMAGE_PROCESS_FAILED')
}
