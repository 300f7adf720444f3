import { statSync } from 'node:fs'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import {
  parseTelegramFile,
  peopleOf,
  type TelegramFile,
  telegramFileBytes,
} from '../../config/telegram-file.ts'
import { readRegularFileSync } from '../../files/regular-file.ts'
import type { ServerLog } from '../../tenants/server-log.ts'
import { ChatSettings } from '../chat-settings.ts'

/** Two looks at the file are at least this far apart. */
const lookMilliseconds = 500

/**
 * Reads telegram.yml, and reads it again when it changes: a user who was taken off a list is shut out at once. A broken
 * file keeps what was in force. Throws when the first reading fails.
 */
export function openChatFile(options: {
  path: string
  log: ServerLog
  /** Maximum number of people, by the terms of the credential; null for no limit. */
  people?: number | null
  now?: () => number
}) {
  const { path, log, people = null, now = () => performance.now() } = options
  let seen = stampOf(path)
  let looked = now()
  let problem: string | null = null
  let current = read(path, people)

  function load() {
    seen = stampOf(path)
    looked = now()
    try {
      current = read(path, people)
      problem = null
      log({ kind: 'telegram', event: 'reloaded' })
    } catch (error) {
      problem = messageOf(error)
      const hint = error instanceof UserError ? error.hint : undefined
      log({ kind: 'error', message: `kept the earlier chats: ${problem}`, hint })
    }
  }

  return {
    current(): TelegramFile {
      if (now() - looked >= lookMilliseconds) {
        looked = now()
        if (stampOf(path) !== seen) load()
      }
      return current
    },

    /** Reads the file now. Returns why it is not in force; null when it is. */
    reload(): string | null {
      load()
      return problem
    },
  }
}
export type ChatFile = ReturnType<typeof openChatFile>

function read(path: string, people: number | null): TelegramFile {
  // A person may keep it elsewhere; no agent can write its folder.
  const file = readRegularFileSync(path, { limit: telegramFileBytes, follow: true })
  if (file.kind !== 'bytes') {
    throw new UserError(`${terminalLine(path)} is missing or not a regular file`, {
      hint: 'write the chats to it that may use the bot: docs/telegram.md has an example',
    })
  }
  const parsed = parseTelegramFile(file.bytes.toString(), path)
  for (const [name, entry] of [['default', parsed.default], ...Object.entries(parsed.chats)]) {
    checkSettings(path, String(name), entry)
  }
  const count = peopleOf(parsed).length
  if (people === null || count <= people) return parsed
  throw new UserError(
    `${terminalLine(path)} admits ${count} people, and the terms of CLAUDE_CODE_OAUTH_TOKEN allow ${people}`,
    { hint: 'set ANTHROPIC_API_KEY, or SHARED_OAUTH=accept if all of them are you' },
  )
}

/** Model and effort become arguments of Claude Code, and are checked as those of a chat. */
function checkSettings(path: string, name: string, entry: unknown) {
  const checked = ChatSettings.omit({ verbose: true }).safeParse(entry)
  if (checked.success) return
  const [issue] = checked.error.issues
  throw new UserError(
    `${terminalLine(path)} ${name}: ${issue?.path.join('.')} ${terminalLine(issue?.message ?? '', 200)}`,
    { hint: 'correct it, for example: model: sonnet' },
  )
}

function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats ? `${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}` : 'missing'
}
