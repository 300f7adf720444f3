import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { readRegularFileSync } from '../files/regular-file.ts'
import { replaceFile } from '../files/replace-file.ts'
import { efforts, ModelName } from '../run/request.ts'

const Prompt = z
  .string()
  .min(1)
  .max(16 * 1024, 'must have at most 16384 characters')

const verbosities = ['0', '1', '2'] as const

/** What a chat can choose, and what telegram.yml sets for it. */
export const ChatSettings = z.object({
  model: ModelName.optional(),
  effort: z.enum(efforts).optional(),
  system_prompt: Prompt.optional(),
  append_system_prompt: Prompt.optional(),
  /** How much of a run its progress message shows. */
  verbose: z.enum(verbosities, 'must be 0, 1 or 2').optional(),
})
export type ChatSettings = z.infer<typeof ChatSettings>
export type SettingName = keyof ChatSettings

/** Maximum number of chats with a choice of their own. */
export const mostChats = 1_000

const Kept = z.object({
  version: z.literal(1),
  chats: z.record(z.string().regex(/^-?\d{1,20}$/), ChatSettings),
})

type Chats = z.infer<typeof Kept>['chats']

/** Maximum bytes of the file: a larger one could not be read at the next start. */
const largest = 8 * 1024 * 1024

/** Returns what a chat has: its choice over its part of telegram.yml over the default there. */
export function settingsInForce(layers: {
  chosen: ChatSettings
  chat: ChatSettings
  default: ChatSettings
}): ChatSettings {
  return { ...layers.default, ...layers.chat, ...layers.chosen }
}

/** Reports whether a word takes a choice back, as in `/model reset`. */
export function isResetWord(word: string): boolean {
  return ['default', 'reset', 'clear', 'none'].includes(word.trim().toLowerCase())
}

/** Parses a value for one setting. Throws with the reason, which names no value of another chat. */
export function parseChoice(name: SettingName, value: string): string {
  const parsed = ChatSettings.shape[name].safeParse(value.trim())
  if (parsed.success && parsed.data !== undefined) return parsed.data
  const reason = parsed.error?.issues[0]?.message ?? 'is missing'
  throw new UserError(`${name} ${reason}`, { hint: `send /${name} reset to take it back` })
}

/** Opens the choices of the chats, which outlive the server. A damaged file stops the start. */
export function openChatSettings(folder: string) {
  const path = join(folder, 'chat-settings.json')
  let chats = read(path)
  let last: Promise<unknown> = Promise.resolve()

  /** Makes changes one after the other: each begins with what the one before has written. */
  async function change(next: (present: Chats) => Chats): Promise<void> {
    const write = async () => {
      const changed = next(chats)
      const text = `${JSON.stringify({ version: 1, chats: changed })}\n`
      if (Object.keys(changed).length > mostChats || Buffer.byteLength(text) > largest) throw full()
      await replaceFile(path, text, { durable: true })
      chats = changed
    }
    const done = last.then(write, write)
    last = done.catch(() => {})
    return done
  }

  return {
    of: (chat: number): ChatSettings => ({ ...chats[chat] }),

    /** Keeps a choice; null takes it back. Resolves once it is on disk. */
    async choose(chat: number, name: SettingName, value: string | null): Promise<void> {
      const choice = value === null ? {} : { [name]: parseChoice(name, value) }
      await change(present => {
        const { [String(chat)]: before, ...others } = present
        const { [name]: _, ...rest } = before ?? {}
        const chosen = ChatSettings.parse({ ...rest, ...choice })
        return Object.keys(chosen).length === 0 ? others : { ...others, [chat]: chosen }
      })
    },
  }
}
export type OpenChatSettings = ReturnType<typeof openChatSettings>

function full() {
  return new UserError('the settings of chats take too much room', {
    hint: 'reset the prompts of another chat',
  })
}

function read(path: string): Chats {
  const file = readRegularFileSync(path, { limit: largest })
  if (file.kind === 'missing') return {}
  const parsed = file.kind === 'bytes' ? Kept.safeParse(parseJson(file.bytes.toString())) : null
  if (parsed?.success) return parsed.data.chats
  throw new UserError(`${path} is damaged`, {
    hint: 'move it away: the settings that were chosen in chats are gone then',
  })
}
