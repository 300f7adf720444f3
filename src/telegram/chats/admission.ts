import { adminsOfChat, usersOfChat } from '../../config/telegram-file.ts'
import type { ServerLog } from '../../tenants/server-log.ts'
import type { Message } from '../updates/update.ts'
import type { ChatFile } from './chat-file.ts'
import type { MovedChats } from './moved-chats.ts'

const mostTold = 1_000

/** Judges who may use the bot: by the numeric ids of chat and user, which both must be listed (threat M7). */
export function createAdmission(parts: { file: ChatFile; moved: MovedChats; log: ServerLog }) {
  const { file, moved, log } = parts
  const told = new Set<string>()

  function admits(chat: number, user: number): boolean {
    if (usersOfChat(file.current(), moved.homeOf(chat)).includes(user)) return true
    const key = `${chat}:${user}`
    // A stranger must not fill the log.
    if (!told.has(key) && told.size < mostTold) {
      told.add(key)
      log({ kind: 'telegram', event: 'stranger', chat, user })
    }
    return false
  }

  /** Whether telegram.yml has the chat. */
  const isAllowed = (chat: number) => file.current().allowed_chats.includes(moved.homeOf(chat))

  return {
    admits,

    /** Returns why what a chat asked for earlier must not run any more; null while its user may write there. */
    refusalOf(chat: number, user: number | null): string | null {
      if (!isAllowed(chat)) return `telegram.yml has no chat ${chat} in allowed_chats`
      const users = usersOfChat(file.current(), moved.homeOf(chat))
      if (users.length === 0) return `telegram.yml lets no one write in chat ${chat}`
      if (user === null || users.includes(user)) return null
      return `telegram.yml does not let user ${user} write in chat ${chat}`
    },

    /**
     * Returns the user of a message that the bot reads; null for any other: of a stranger, of a bot, in the name of a
     * chat, or forwarded, whose words are another's.
     */
    userOf(message: Message): number | null {
      const { chat, from, sender_chat, forward_origin, is_automatic_forward, via_bot } = message
      if (chat.type === 'channel' || !from || from.is_bot) return null
      if (sender_chat || forward_origin || is_automatic_forward || via_bot) return null
      return admits(chat.id, from.id) ? from.id : null
    },

    isAllowed,

    isAdmin: (chat: number, user: number) =>
      adminsOfChat(file.current(), moved.homeOf(chat)).includes(user),

    /** Whether a chat, by the id of telegram.yml, has an administrator. */
    hasAdmin: (home: number) => adminsOfChat(file.current(), home).length > 0,
  }
}
export type Admission = ReturnType<typeof createAdmission>
