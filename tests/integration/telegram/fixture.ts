import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Agent } from 'undici'
import { until } from '../../../src/base/async.ts'
import { createBotApi } from '../../../src/telegram/bot-api/bot-api.ts'
import { openTelegram, type TelegramOptions } from '../../../src/telegram/open-telegram.ts'
import { createMemoryRecords } from '../../../src/tenants/store/records.ts'
import { openAccess } from '../../../src/tenants/tokens.ts'
import { startTelegram } from '../../support/telegram/stand-in.ts'
import { botToken } from '../../support/telegram/token.ts'
import { startRunning } from '../server/running.ts'

export const ann = { id: 4711, is_bot: false, first_name: 'Ann' }
export const bob = { id: 4712, is_bot: false, first_name: 'Bob' }
export const annsChat = { id: ann.id, type: 'private' as const, first_name: 'Ann' }
export const group = { id: -500, type: 'group' as const, title: 'Team' }

/** The bot with a real engine and runner, the fake Claude, and the stand-in of Telegram. */
export async function startBot(
  t: Test,
  options: Partial<Pick<TelegramOptions, 'grants' | 'limits' | 'records' | 'added'>> & {
    yaml?: string
    server?: Parameters<typeof startRunning>[1]
    standIn?: Parameters<typeof startTelegram>[0]
  } = {},
) {
  const server = await startRunning(t, options.server ?? {})
  const telegram = await startTelegram(options.standIn)
  t.teardown(() => telegram.close())
  const log = (event: (typeof server.events)[number]) => void server.events.push(event)
  const store = join(server.folder, 'bot')
  mkdirSync(store)
  const path = join(server.folder, 'telegram.yml')
  writeFileSync(path, options.yaml ?? `allowed_chats: [${ann.id}]`)
  const records = options.records ?? createMemoryRecords()
  const { control } = telegram

  function open() {
    const dispatcher = new Agent()
    const bot = openTelegram({
      ...{ path, log, records, storeFolder: store, starter: server.starter },
      api: createBotApi({ token: botToken, dispatcher, root: telegram.url }),
      access: openAccess({ folder: server.files.folder, withoutToken: false, log }),
      grants: options.grants ?? null,
      workspacesFolder: server.folder,
      usageFolder: join(server.folder, 'usage'),
      limits: options.limits ?? { chat: 0, group: 1_000, all: 1_000 },
      pauses: [10],
      albumMilliseconds: 300,
      ...(options.added && { added: options.added }),
    })
    bot.start()
    return {
      ...bot,
      async close() {
        await bot.close()
        await dispatcher.destroy()
      },
    }
  }
  let bot = open()
  t.teardown(() => bot.close())

  /** What the bot has sent to a chat, as texts. */
  const texts = (chat: number) =>
    control
      .messages(chat)
      .filter(({ from }) => from?.is_bot)
      .map(({ text, caption }) => text ?? caption ?? '')
  /** Waits for a message of the bot. */
  const answer = (chat: number, pattern: RegExp) =>
    until(() => texts(chat).find(text => pattern.test(text)) ?? null, {
      every: 20,
      timeout: 60_000,
    })
  const say = (text: string, more: object = {}) =>
    control.send({ chat: annsChat, from: ann, text, ...more })
  return {
    ...server,
    ...{ telegram, control, records, path, store, texts, answer, say },
    /** Folder of a chat's workspace. */
    workspace: (chat: number) => join(server.runner.root, 'workspaces', `chat_${Math.abs(chat)}`),
    bot: () => bot,
    /** Closes the bot, and opens it again with the same records. */
    async reopen() {
      await bot.close()
      bot = open()
    },
    writeYaml: (text: string) => writeFileSync(path, text),
  }
}
