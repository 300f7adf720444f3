import t from 'tap'
import { parseCommand } from '../../../../src/telegram/commands/parse-command.ts'

const parse = (text: string) => parseCommand(text, 'Our_Bot')

t.test('a command is for this bot, and any other text a prompt', async t => {
  t.same(parse('/status'), { name: 'status', argument: '' })
  t.same(parse('/bash ls -l\nwc '), { name: 'bash', argument: 'ls -l\nwc' })
  t.same(parse('/status@our_bot'), { name: 'status', argument: '' })
  t.equal(parse('/status@another_bot'), 'other-bot')
  t.equal(parse('/review the code'), null, 'a command of Claude Code')
  t.equal(parse('/constructor'), null)
  t.equal(parse('hello /status'), null)
  t.equal(parse('/statusx'), null)
  t.equal(parse('/ status'), null)
})
