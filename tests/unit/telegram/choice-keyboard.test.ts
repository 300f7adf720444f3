import t from 'tap'
import { choiceKeyboard, parseChoiceData } from '../../../src/telegram/choice-keyboard.ts'

t.test('the buttons have a mark on the value in force, and a reset', async t => {
  const texts = choiceKeyboard('effort', 'high').map(row => row.map(({ text }) => text))
  t.same(texts, [['low', 'medium', '✓ high'], ['xhigh', 'max'], ['reset']])
  const models = choiceKeyboard('model', 'claude-opus-5-5').flat()
  t.notOk(models.some(({ text }) => text.includes('✓')))
  t.ok(models.some(({ text }) => text === 'opus[1m]'))
})

t.test('each button is read as its choice, within the 64 bytes of Telegram', async t => {
  for (const name of ['model', 'effort'] as const)
    for (const { text, callback_data } of choiceKeyboard(name, undefined).flat()) {
      t.ok(Buffer.byteLength(callback_data) <= 64)
      t.same(parseChoiceData(callback_data), { name, value: text === 'reset' ? null : text })
    }
})

t.test('data that no button has is refused', async t => {
  for (const data of [
    '',
    'set:model',
    'set:model:evil',
    'set:effort:opus',
    'set:__proto__:x',
    'stop:1',
  ])
    t.equal(parseChoiceData(data), null, data)
})
