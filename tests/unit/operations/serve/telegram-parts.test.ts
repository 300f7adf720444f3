import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Settings } from '../../../../src/config/settings.ts'
import { openTelegramParts } from '../../../../src/operations/serve/telegram-parts.ts'
import { memoryFolder } from '../../../support/memory-folder.ts'

const token = `123456:${'A'.repeat(35)}`

function place(t: Test, { names = 'api.telegram.org', yaml = 'allowed_chats: [5]' } = {}) {
  const root = mkdtempSync(join(memoryFolder(), 'telegram-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  for (const folder of ['proxy', 'custom/telegram']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  const lists = ['allowed_sites', 'gateway_sites', 'login_sites', 'grantable_sites']
  const policy = [
    `acl server_sites dstdomain -n ${names}`,
    ...lists.map(l => `acl ${l} dstdomain -n`),
  ]
  writeFileSync(join(root, 'proxy/squid.conf'), `${policy.join('\n')}\n`)
  if (yaml !== '') writeFileSync(join(root, 'custom/telegram/telegram.yml'), yaml)
  const kept = join(root, 'telegram-token')
  const open = (
    settings: Record<string, string> = {},
    { mode = 'api-key', typed = null as string | null } = {},
  ) =>
    openTelegramParts(
      { root, settings: Settings.parse({ CUSTOM_DIR: join(root, 'custom'), ...settings }) },
      { folder: { telegramToken: kept }, mode: mode as 'api-key', ask: async () => typed },
    )
  return { root, kept, open }
}

t.test('the token is of the setting, of the file of the last start, or of a person', async t => {
  const s = place(t)
  t.match(await s.open({ TELEGRAM_BOT_TOKEN: token }), { token, people: 1, limit: null })
  t.match(await s.open({}, { typed: ` ${token}\n` }), { token })
  writeFileSync(s.kept, `${token}\n`)
  t.match(await s.open(), { token, folder: join(s.root, 'custom/telegram'), file: 'telegram.yml' })
  rmSync(s.kept)
  await t.rejects(s.open(), { message: /no token of the Telegram bot/, hint: /@BotFather/ })
  const wrong = s.open({}, { typed: 'my secret' })
  await t.rejects(wrong, { message: 'what was typed is not a token of the Telegram bot' })
})

t.test('the server must be allowed to reach the Bot API, and no one else', async t => {
  const s = place(t, { names: '' })
  await t.rejects(s.open({ TELEGRAM_BOT_TOKEN: token }), {
    message: 'the server may not reach api.telegram.org',
    hint: /allow --server api.telegram.org/,
  })
})

t.test('telegram.yml must be there, valid, and alone in a folder of the user', async t => {
  await t.rejects(place(t, { yaml: '' }).open(), { message: /telegram.yml does not exist/ })
  await t.rejects(place(t, { yaml: 'allowed_chat: [1]' }).open(), {
    message: /line 1: allowed_chat/,
  })
  const s = place(t)
  const own = join(s.root, 'home')
  mkdirSync(own)
  writeFileSync(join(own, 'telegram.yml'), 'allowed_chats: [7]')
  const settings = { TELEGRAM_FILE: join(own, 'telegram.yml'), TELEGRAM_BOT_TOKEN: token }
  t.match(await s.open(settings), { folder: own })
  writeFileSync(join(own, 'id_rsa'), 'secret')
  await t.rejects(s.open(settings), { message: /the folder of TELEGRAM_FILE=.* also has id_rsa/ })
})

t.test('one person alone may use a subscription', async t => {
  const s = place(t, { yaml: 'allowed_chats: [5, -7]\nallowed_users: [5, 6]' })
  const settings = { TELEGRAM_BOT_TOKEN: token }
  t.match(await s.open(settings, { mode: 'oauth-token' }), { people: 2, limit: 1 })
  const shared = { ...settings, SHARED_OAUTH: 'accept' }
  t.match(await s.open(shared, { mode: 'oauth-token' }), { limit: null })
})
