import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  isResetWord,
  openChatSettings,
  settingsInForce,
} from '../../../src/telegram/chat-settings.ts'

t.test('a choice of a chat outlives a restart, and is of that chat alone', async t => {
  const folder = t.testdir()
  const settings = openChatSettings(folder)
  await Promise.all([
    settings.choose(-100123, 'model', 'opus[1m]'),
    settings.choose(-100123, 'effort', 'high'),
    settings.choose(7, 'system_prompt', ' Be short. '),
  ])
  for (const opened of [settings, openChatSettings(folder)]) {
    t.same(opened.of(-100123), { model: 'opus[1m]', effort: 'high' })
    t.same(opened.of(7), { system_prompt: 'Be short.' })
    t.same(opened.of(8), {})
  }
})

t.test('a reset takes one choice back, and the last one removes the chat', async t => {
  const folder = t.testdir()
  const settings = openChatSettings(folder)
  await settings.choose(1, 'model', 'opus')
  await settings.choose(1, 'effort', 'low')
  await settings.choose(1, 'model', null)
  t.same(openChatSettings(folder).of(1), { effort: 'low' })
  await settings.choose(1, 'effort', null)
  t.same(JSON.parse(readFileSync(join(folder, 'chat-settings.json'), 'utf8')).chats, {})
  for (const word of ['reset', 'Default', ' clear ', 'none']) t.ok(isResetWord(word), word)
  t.notOk(isResetWord('opus'))
})

t.test('a choice goes over the part of the chat, and that over the default', async t => {
  t.same(
    settingsInForce({
      chosen: { model: 'opus' },
      chat: { model: 'haiku', effort: 'low' },
      default: { model: 'sonnet', effort: 'max', append_system_prompt: 'x' },
    }),
    { model: 'opus', effort: 'low', append_system_prompt: 'x' },
  )
})

t.test('a value that a run would refuse is refused, and keeps the old one', async t => {
  const settings = openChatSettings(t.testdir())
  await settings.choose(1, 'model', 'opus')
  for (const [name, value] of [
    ['model', '--settings={}'],
    ['model', ''],
    ['effort', 'extreme'],
    ['system_prompt', 'x'.repeat(16 * 1024 + 1)],
  ] as const)
    await t.rejects(
      settings.choose(1, name, value),
      { message: new RegExp(name) },
      value.slice(0, 9),
    )
  t.same(settings.of(1), { model: 'opus' })
})

t.test('settings that would make the file too large are refused, and the rest stays', async t => {
  const folder = t.testdir()
  const prompt = '\u0001'.repeat(16 * 1024 - 2)
  const chats = Object.fromEntries(
    Array.from({ length: 84 }, (_, chat) => [chat, { system_prompt: `a${prompt}a` }]),
  )
  writeFileSync(join(folder, 'chat-settings.json'), JSON.stringify({ version: 1, chats }))
  const settings = openChatSettings(folder)
  await settings.choose(500, 'model', 'opus')
  await t.rejects(
    settings
      .choose(501, 'system_prompt', `a${prompt}a`)
      .then(() => settings.choose(502, 'system_prompt', `a${prompt}a`)),
    { message: /too much room/ },
  )
  t.same(openChatSettings(folder).of(500), { model: 'opus' })
})

t.test('a chat above the limit gets no settings of its own', async t => {
  const folder = t.testdir()
  const chats = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, chat) => [chat, { effort: 'low' }]),
  )
  writeFileSync(join(folder, 'chat-settings.json'), JSON.stringify({ version: 1, chats }))
  const settings = openChatSettings(folder)
  await t.rejects(settings.choose(1_000, 'effort', 'low'), { message: /too much room/ })
  await settings.choose(999, 'effort', 'max')
  t.same(settings.of(999), { effort: 'max' })
})

t.test('a damaged file stops the start', async t => {
  for (const text of ['{', '{"version":1}', '{"version":1,"chats":{"x":{}}}'])
    t.throws(() => openChatSettings(t.testdir({ 'chat-settings.json': text })), {
      message: /damaged/,
    })
})
