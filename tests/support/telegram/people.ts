import { randomInt } from 'node:crypto'
import type { Chat, MediaKind, Message, User } from './bot-objects.ts'
import { type Chats, quoted, seconds } from './chats.ts'
import type { Files } from './files.ts'
import { commandEntities } from './message-text.ts'
import { botUser } from './token.ts'
import type { UpdateQueue } from './update-queue.ts'

/** What a person sends. */
export type Incoming = {
  chat: Chat
  /** Left out in a channel. */
  from?: User
  /** Of a group whose administrator is anonymous, or a channel that is linked to it. */
  senderChat?: Chat
  text?: string
  caption?: string
  /** With a content in base64, or of so many zeros. */
  file?: { kind: MediaKind; name?: string; type?: string; base64?: string; size?: number }
  /** Files with the same one are an album. */
  album?: string
  /** Id of a topic, from `createTopic`. */
  topic?: number
  /** Id of a message of this chat. */
  replyTo?: number
  quote?: string
  forwardedFrom?: User | Chat | { hiddenName: string }
}

export type Put = { update_id: number | null; message_id: number }

/** What people do in their chats: each call puts an update in the queue of the bot. */
export function createPeople(parts: {
  chats: Chats
  files: Files
  queue: UpdateQueue
  presses: Set<string>
}) {
  const { chats, files, queue, presses } = parts

  /** Sends a message, as a post if the chat is a channel. */
  function send(incoming: Incoming): Put {
    const kept = chats.keep(incoming.chat)
    const { from, senderChat, text, caption, file, album, topic, replyTo, quote } = incoming
    if (topic !== undefined && !kept.topics.has(topic)) throw new Error(`no topic ${topic}`)
    const repliedTo = kept.messages.get(replyTo ?? topic ?? 0)
    if (replyTo !== undefined && !repliedTo) throw new Error(`no message ${replyTo}`)
    const isPost = kept.chat.type === 'channel'
    const entities = commandEntities(text ?? '')
    const message = chats.add(kept, {
      date: seconds(),
      ...(from && { from }),
      ...((senderChat || isPost) && { sender_chat: senderChat ?? kept.chat }),
      ...(topic !== undefined && { message_thread_id: topic, is_topic_message: true }),
      ...(repliedTo && { reply_to_message: quoted(repliedTo) }),
      ...(quote !== undefined && { quote: { text: quote, position: 0, is_manual: true } }),
      ...(incoming.forwardedFrom && { forward_origin: originOf(incoming.forwardedFrom) }),
      ...(album !== undefined && { media_group_id: album }),
      ...(file && {
        [file.kind]: files.describe(file.kind, {
          ...file,
          ...(file.base64 !== undefined && { bytes: Buffer.from(file.base64, 'base64') }),
        }),
      }),
      ...(text !== undefined && { text }),
      ...(caption !== undefined && { caption }),
      ...(entities.length > 0 && { entities }),
    })
    return put(isPost ? 'channel_post' : 'message', message)
  }

  const put = (kind: string, message: Message): Put => ({
    update_id: queue.push(kind, structuredClone(message)),
    message_id: message.message_id,
  })

  function service(chat: Chat, from: User, members: Record<string, unknown>): Put {
    return put('message', chats.add(chats.keep(chat), { date: seconds(), from, ...members }))
  }

  function member(chat: Chat, from: User, before: string, after: string) {
    const user = { ...botUser }
    queue.push('my_chat_member', {
      ...{ chat, from, date: seconds() },
      old_chat_member: { user, status: before },
      new_chat_member: { user, status: after, ...(after === 'kicked' && { until_date: 0 }) },
    })
  }

  return {
    send,

    /** Changes the text of a message that a person sent. */
    edit(chat: Chat, messageId: number, text: string): Put {
      const kept = chats.find(chat.id)
      const message = kept.messages.get(messageId)
      if (!message) throw new Error(`no message ${messageId}`)
      Object.assign(message, { text, entities: commandEntities(text), edit_date: seconds() })
      return put(chat.type === 'channel' ? 'edited_channel_post' : 'edited_message', message)
    },

    /**
     * Presses a button of a message, by default the newest with it: by the button's text, or with any `data`, as a
     * hostile client can. Returns the id of the press.
     */
    press(press: { chat: Chat; from: User; text?: string; data?: string; messageId?: number }): {
      update_id: number | null
      id: string
    } {
      const messages = [...chats.find(press.chat.id).messages.values()].reverse()
      const found = messages
        .filter(({ message_id }) => message_id === (press.messageId ?? message_id))
        .map(message => {
          const buttons = message.reply_markup?.inline_keyboard?.flat() ?? []
          return { message, button: buttons.find(({ text }) => text === press.text) }
        })
        .find(({ message, button }) => button ?? (press.data !== undefined && message.reply_markup))
      const data = press.data ?? found?.button?.callback_data
      if (!found || data === undefined) throw new Error(`no button ${press.text ?? press.data}`)
      const id = String(randomInt(2 ** 47))
      presses.add(id)
      const update_id = queue.push('callback_query', {
        ...{ id, from: press.from, data },
        message: structuredClone(found.message),
        chat_instance: String(press.chat.id * 31),
      })
      return { update_id, id }
    },

    /** Opens a topic of a forum. Returns its id. */
    createTopic(chat: Chat, from: User, name: string): number {
      const { message_id } = service(chat, from, {
        forum_topic_created: { name, icon_color: 7_322_096 },
      })
      chats.find(chat.id).topics.set(message_id, false)
      return message_id
    },
    closeTopic(chat: Chat, from: User, topic: number) {
      chats.find(chat.id).topics.set(topic, true)
      const members = { message_thread_id: topic, is_topic_message: true, forum_topic_closed: {} }
      return service(chat, from, members)
    },

    /** Makes a group a supergroup with another id. The bot cannot write to the old one any more. */
    migrate(group: Chat, from: User, to: number): Chat {
      const supergroup: Chat = { ...group, id: to, type: 'supergroup' }
      service(group, from, { migrate_to_chat_id: to })
      chats.migrate(group.id, to)
      service(supergroup, from, { migrate_from_chat_id: group.id })
      return supergroup
    },
    /** Blocks the bot in a private chat. */
    block(chat: Chat, from: User) {
      chats.block(chat.id)
      member(chat, from, 'member', 'kicked')
    },
    unblock(chat: Chat, from: User) {
      chats.unblock(chat.id)
      member(chat, from, 'kicked', 'member')
    },
    /** Removes the bot from a group. */
    kick(chat: Chat, from: User) {
      chats.kick(chat.id)
      member(chat, from, 'member', 'kicked')
    },
  }
}

function originOf(origin: User | Chat | { hiddenName: string }) {
  const date = seconds()
  if ('hiddenName' in origin) {
    return { type: 'hidden_user', sender_user_name: origin.hiddenName, date }
  }
  if ('is_bot' in origin) return { type: 'user', sender_user: origin, date }
  return origin.type === 'channel'
    ? { type: 'channel', chat: origin, message_id: 17, date }
    : { type: 'chat', sender_chat: origin, date }
}
