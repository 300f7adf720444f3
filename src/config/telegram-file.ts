import * as z from 'zod'
import { safeRelativePath } from '../files/beneath.ts'
import { TenantName, TokenName } from './tenants.ts'
import { parseYamlFile } from './yaml-file.ts'

/** An empty value means that the key is absent, as with claudebox. */
const orAbsent = <T extends z.ZodType>(schema: T) =>
  z.preprocess(value => (value === null || value === '' ? undefined : value), schema.optional())

/** The numeric id of a chat or a user. A name could be taken over by another account. */
const Id = z
  .union([z.number(), z.string().regex(/^-?\d{1,15}$/, 'must be a numeric id')])
  .transform(Number)
  .refine(id => Number.isSafeInteger(id) && id !== 0, { error: 'must be a numeric id' })

const UserId = Id.refine(id => id > 0, { error: 'must be the id of a user, which is positive' })
const users = z.array(UserId).max(1_000)
const prompt = z.string().max(16 * 1024, 'must have at most 16384 characters')

/** What may be said for one chat, and under `default` for all. */
const choices = {
  model: orAbsent(z.string().max(132)),
  effort: orAbsent(z.string().max(20)),
  /** Whether a message goes on with the conversation of its chat. */
  continue: orAbsent(z.boolean()),
  system_prompt: orAbsent(prompt),
  append_system_prompt: orAbsent(prompt),
  max_budget_usd: orAbsent(z.number().positive().max(1_000_000)),
  timeout_seconds: orAbsent(z.number().int().min(1).max(86_400)),
  verbose: orAbsent(z.number().int().min(0).max(2)),
  /** Command that prints the words of a voice message; the name of its file follows. */
  transcribe: orAbsent(
    z
      .string()
      .max(1_024)
      .regex(/^\P{Cc}+$/u, 'must be one line'),
  ),
  /** Name of a token, whose tenant, workspaces, models and budget hold. */
  token: orAbsent(TokenName),
  tenant: orAbsent(TenantName),
}

const workspace = z
  .string()
  .max(1_024)
  .refine(value => safeRelativePath(value) !== null, {
    error: 'must be a relative path without ..',
  })

export const ChatEntry = z.strictObject({
  workspace: orAbsent(workspace),
  allowed_users: orAbsent(users),
  admins: orAbsent(users),
  ...choices,
})
export type ChatEntry = z.infer<typeof ChatEntry>

/** The content of telegram.yml, with claudebox's keys and ours. */
export const TelegramFile = z.strictObject({
  /** Without a chat in it, the bot answers no one. */
  allowed_chats: z.preprocess(value => value ?? [], z.array(Id).max(1_000)).default([]),
  /** Who may write in every allowed chat that names no users itself. */
  allowed_users: orAbsent(users),
  /** Who may open refused names for a time. */
  admins: z.preprocess(value => value ?? [], users).default([]),
  default: z.preprocess(value => value ?? {}, z.strictObject(choices)).default({}),
  chats: z
    .preprocess(value => value ?? {}, z.record(z.string().regex(/^-?\d{1,15}$/), ChatEntry))
    .default({}),
})
export type TelegramFile = z.infer<typeof TelegramFile>

export const telegramFileBytes = 1024 * 1024

export function parseTelegramFile(text: string, path: string): TelegramFile {
  return parseYamlFile({
    ...{ text, path, schema: TelegramFile, empty: {} },
    hint: 'correct it, for example: allowed_chats: [123456789]',
  })
}

/**
 * Returns who may write in a chat: its own list, else that of all chats, else in a private chat the person whose chat
 * it is. No one may write in a chat that is not allowed, and no one in a group without a list (threat M7).
 */
export function usersOfChat(file: TelegramFile, chat: number): readonly number[] {
  if (!file.allowed_chats.includes(chat)) return []
  const named = file.chats[chat]?.allowed_users ?? file.allowed_users
  // A private chat has the id of its user.
  return named ?? (chat > 0 ? [chat] : [])
}

/** Returns who may grant names in a chat: of those who may write there. */
export function adminsOfChat(file: TelegramFile, chat: number): readonly number[] {
  const admins = file.chats[chat]?.admins ?? file.admins
  return usersOfChat(file, chat).filter(user => admins.includes(user))
}

/** Returns everyone who may write to the bot. */
export function peopleOf(file: TelegramFile): number[] {
  return [...new Set(file.allowed_chats.flatMap(chat => usersOfChat(file, chat)))]
}
