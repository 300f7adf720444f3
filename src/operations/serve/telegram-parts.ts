import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { customRoot } from '../../config/paths.ts'
import { parseTelegramFile, peopleOf, telegramFileBytes } from '../../config/telegram-file.ts'
import { admits, parseAllowlist } from '../../egress/allowlist.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import type { CredentialMode } from '../../stack/credential.ts'
import type { ServerFolder } from '../../stack/server/server-folder.ts'
import type { Context } from '../context.ts'
import { refuseOthers } from './lone-file.ts'
import { isOfOnePerson } from './stored-tokens.ts'

/** The name of the Bot API, which the server alone may reach. */
const apiName = 'api.telegram.org'

export type TelegramParts = {
  /** Folder of telegram.yml, which is mounted into the server so that a changed file is seen. */
  folder: string
  /** Its name there. */
  file: string
  token: string
  /** Number of people who may write to the bot, and how many there may be; null for no limit. */
  people: number
  limit: number | null
}

/**
 * Collects what the mode `telegram` needs. Throws when telegram.yml is missing or not valid, when the server may not
 * reach the Bot API, or when there is no token.
 */
export async function openTelegramParts(
  { settings, root }: Pick<Context, 'settings' | 'root'>,
  options: {
    folder: Pick<ServerFolder, 'telegramToken'>
    mode: CredentialMode
    /** Asks a person for the token; null without an answer. */
    ask: () => Promise<string | null>
  },
): Promise<TelegramParts> {
  const path = settings.TELEGRAM_FILE ?? join(customRoot(settings), 'telegram/telegram.yml')
  const [folder, file] = [dirname(path), basename(path)]
  const text = textOf(await readRegularFile(path, { limit: telegramFileBytes, follow: true }))
  if (text === null) {
    throw new UserError(`${terminalLine(path)} does not exist`, {
      hint: 'write your chats to it: docs/telegram.md has an example',
    })
  }
  if (settings.TELEGRAM_FILE !== undefined) await refuseOthers('TELEGRAM_FILE', folder, file)
  const people = peopleOf(parseTelegramFile(text, path)).length
  await requireListed(root)
  const { mode, ask } = options
  const token = await tokenOf(settings.TELEGRAM_BOT_TOKEN, options.folder.telegramToken, ask)
  const limit = isOfOnePerson(mode, settings.SHARED_OAUTH) ? 1 : null
  return { folder: await realpath(folder), file, token, people, limit }
}

async function requireListed(root: string): Promise<void> {
  const path = join(root, 'proxy/squid.conf')
  const text = textOf(await readRegularFile(path, { limit: 4 * 1024 * 1024 })) ?? ''
  if (parseAllowlist(text, path).server.some(({ name }) => admits(name, apiName))) return
  throw new UserError(`the server may not reach ${apiName}`, {
    hint: `run ${command(`allow --server ${apiName}`)}, which lists it for the server alone`,
  })
}

async function tokenOf(
  given: string | undefined,
  path: string,
  ask: () => Promise<string | null>,
): Promise<string> {
  if (given !== undefined) return given
  const kept = textOf(await readRegularFile(path, { limit: 1_024 }))?.trim() ?? ''
  if (kept !== '') return kept
  const typed = (await ask())?.trim() ?? ''
  if (/^\d{1,20}:[A-Za-z0-9_-]{30,100}$/.test(typed)) return typed
  const problem = typed === '' ? 'there is no token' : 'what was typed is not a token'
  throw new UserError(`${problem} of the Telegram bot`, {
    hint: 'get one from @BotFather, and set TELEGRAM_BOT_TOKEN in .env or run it in a terminal',
  })
}
