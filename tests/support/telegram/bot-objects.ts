/** Objects of the Bot API, as far as the stand-in has them. */
export type User = {
  id: number
  is_bot: boolean
  first_name: string
  last_name?: string
  username?: string
  language_code?: string
}

export type Chat = {
  id: number
  type: 'private' | 'group' | 'supergroup' | 'channel'
  title?: string
  first_name?: string
  username?: string
  is_forum?: true
}

export type MessageEntity = {
  type: string
  offset: number
  length: number
  url?: string
  language?: string
}

export type InlineButton = { text: string; callback_data?: string; url?: string }

export type ReplyMarkup = {
  inline_keyboard?: InlineButton[][]
  force_reply?: boolean
  [member: string]: unknown
}

/** A message as updates and answers have it. */
export type Message = {
  message_id: number
  /** Seconds since 1970. */
  date: number
  chat: Chat
  from?: User
  sender_chat?: Chat
  message_thread_id?: number
  is_topic_message?: true
  edit_date?: number
  text?: string
  entities?: MessageEntity[]
  caption?: string
  caption_entities?: MessageEntity[]
  reply_markup?: ReplyMarkup
  reply_to_message?: Message
  media_group_id?: string
  [member: string]: unknown
}

export const mediaKinds = ['document', 'photo', 'video', 'animation', 'audio', 'voice'] as const
export type MediaKind = (typeof mediaKinds)[number]

/** Returns a user, and the private chat with the user. */
export function person(id: number, name: string): { user: User; chat: Chat } {
  const username = name.toLowerCase()
  return {
    user: { id, is_bot: false, first_name: name, username, language_code: 'en' },
    chat: { id, type: 'private', first_name: name, username },
  }
}
