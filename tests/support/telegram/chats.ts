import { ApiError, badRequest } from './api-error.ts'
import type { Chat, Message } from './bot-objects.ts'

type KeptChat = {
  chat: Chat
  messages: Map<number, Message>
  /** Ids of the topics of a forum, and whether each is closed. */
  topics: Map<number, boolean>
  refusal: ApiError | null
  nextId: number
}

/** Chats and their messages. Only a supergroup and a channel have numbers of their own for their messages. */
export function createChats() {
  const chats = new Map<number, KeptChat>()
  let accountId = 1_000

  function keep(chat: Chat): KeptChat {
    const known = chats.get(chat.id)
    if (known) return known
    const kept = { chat, messages: new Map(), topics: new Map(), refusal: null, nextId: 1 }
    chats.set(chat.id, kept)
    return kept
  }

  function find(id: unknown): KeptChat {
    const kept = chats.get(Number(id))
    if (!kept) throw badRequest('chat not found')
    return kept
  }

  return {
    keep,
    find,

    /** Returns the messages of a chat; none for one that no one has written in. */
    messages: (id: number): Message[] => [...(chats.get(id)?.messages.values() ?? [])],

    /** Returns a chat that the bot may write to. Throws what Telegram answers otherwise. */
    writable(id: unknown): KeptChat {
      if (id === undefined || id === '') throw badRequest('chat_id is empty')
      const kept = find(id)
      if (kept.refusal) throw kept.refusal
      return kept
    },

    /** Adds a message under the next number. */
    add(kept: KeptChat, message: Omit<Message, 'message_id' | 'chat'>): Message {
      const own = kept.chat.type === 'supergroup' || kept.chat.type === 'channel'
      const message_id = own ? kept.nextId++ : accountId++
      const added = { date: seconds(), ...message, message_id, chat: kept.chat } as Message
      kept.messages.set(message_id, added)
      return added
    },

    block(id: number) {
      find(id).refusal = new ApiError(403, 'Forbidden: bot was blocked by the user')
    },
    kick(id: number) {
      const { chat } = find(id)
      const name = chat.type === 'supergroup' ? 'supergroup' : 'group'
      find(id).refusal = new ApiError(403, `Forbidden: bot was kicked from the ${name} chat`)
    },
    unblock(id: number) {
      find(id).refusal = null
    },
    migrate(id: number, to: number) {
      const text = 'Bad Request: group chat was upgraded to a supergroup chat'
      find(id).refusal = new ApiError(400, text, { migrate_to_chat_id: to })
    },
  }
}
export type Chats = ReturnType<typeof createChats>

/** Returns a message as an answer to it quotes it: without the one that it answers itself. */
export function quoted({ reply_to_message: _, ...message }: Message): Message {
  return message as Message
}

export function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
