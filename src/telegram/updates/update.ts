import * as z from 'zod'
import { MessageFiles } from '../received-files.ts'

const Id = z.number().int().refine(Number.isSafeInteger)
const text = z.string().max(16_384)

export const Chat = z.object({
  id: Id,
  type: z.enum(['private', 'group', 'supergroup', 'channel']),
})

const User = z.object({
  id: Id,
  is_bot: z.boolean().default(false),
  first_name: z.string().max(256).default(''),
  username: z.string().max(64).optional(),
})
export type User = z.infer<typeof User>

const Quoted = MessageFiles.extend({
  message_id: Id,
  from: User.optional(),
  text: text.optional(),
  caption: text.optional(),
})
export type Quoted = z.infer<typeof Quoted>

/** A message of a chat, as far as the bot reads it. Every text in it is hostile. */
export const Message = MessageFiles.extend({
  message_id: Id,
  chat: Chat,
  from: User.optional(),
  /** Set when it was sent in the name of a chat, such as a channel or an anonymous administrator. */
  sender_chat: z.looseObject({}).optional(),
  message_thread_id: Id.optional(),
  is_topic_message: z.boolean().optional(),
  forward_origin: z.looseObject({}).optional(),
  is_automatic_forward: z.boolean().optional(),
  via_bot: z.looseObject({}).optional(),
  reply_to_message: Quoted.optional(),
  /** The part of the message that the sender chose to reply to. */
  quote: z.object({ text }).optional(),
  media_group_id: z.string().max(128).optional(),
  text: text.optional(),
  caption: text.optional(),
  migrate_to_chat_id: Id.optional(),
})
export type Message = z.infer<typeof Message>

const Keyboard = z.object({
  inline_keyboard: z.array(z.array(z.object({ callback_data: z.string().optional() }))),
})

const Press = z.object({
  id: z.string().max(128),
  from: User,
  message: z
    .object({
      message_id: Id,
      chat: Chat,
      message_thread_id: Id.optional(),
      /** Of Telegram, and not of the client: the buttons that the message has. */
      reply_markup: Keyboard.optional().catch(undefined),
    })
    .optional(),
  data: z.string().max(256).default(''),
})
export type Press = z.infer<typeof Press>

/** An update as far as the bot has to act. Channel posts and edits are none of these. */
export type Update =
  | { kind: 'message'; message: Message }
  | { kind: 'press'; press: Press }
  | { kind: 'other' }

const Envelope = z.looseObject({ update_id: Id })

/** Returns the id of an update; null for anything that is not one. */
export function updateId(raw: unknown): number | null {
  const parsed = Envelope.safeParse(raw)
  return parsed.success ? parsed.data.update_id : null
}

/** Parses an update. One of a form that the bot does not know is `other`. */
export function parseUpdate(raw: unknown): Update {
  const parts = Envelope.safeParse(raw)
  if (!parts.success) return { kind: 'other' }
  const message = Message.safeParse(parts.data.message)
  if (message.success) return { kind: 'message', message: message.data }
  const press = Press.safeParse(parts.data.callback_query)
  return press.success ? { kind: 'press', press: press.data } : { kind: 'other' }
}

/** Returns whether the pressed message has the button. A client can send data that no button has. */
export function hasPressedButton({ data, message }: Press): boolean {
  const buttons = message?.reply_markup?.inline_keyboard.flat() ?? []
  return buttons.some(({ callback_data }) => callback_data === data)
}

/** Returns the chat of an update; 0 without one. */
export function chatOf(update: Update): number {
  switch (update.kind) {
    case 'message':
      return update.message.chat.id
    case 'press':
      return update.press.message?.chat.id ?? 0
    case 'other':
      return 0
    default:
      return update satisfies never
  }
}
