import t from 'tap'
import {
  adminsOfChat,
  parseTelegramFile,
  peopleOf,
  usersOfChat,
} from '../../../src/config/telegram-file.ts'

const parse = (text: string) => parseTelegramFile(text, '/c/telegram.yml')

t.test('a file of claudebox is taken unchanged', async t => {
  const file = parse(`
allowed_chats:
  - 123456789
  - -1001234567890
default:
  model: sonnet
  effort: high
  continue: true
  system_prompt:
  append_system_prompt: "Be brief."
  max_budget_usd: 5.0
chats:
  123456789:
    workspace: home
  -1001234567890:
    workspace: team/project
    model: opus
    allowed_users: [123456789, "987654321"]
`)
  t.match(file.default, { model: 'sonnet', effort: 'high', continue: true, max_budget_usd: 5 })
  t.equal(file.default.system_prompt, undefined, 'an empty value is an absent one')
  t.match(file.chats[-1001234567890], { workspace: 'team/project', model: 'opus' })
  t.same(usersOfChat(file, -1001234567890), [123456789, 987654321])
  t.same(usersOfChat(file, 123456789), [123456789], 'a private chat admits its own user')
  t.same(peopleOf(file), [123456789, 987654321])
})

t.test('no one is admitted without a list', async t => {
  for (const text of ['', 'allowed_chats: []', 'allowed_chats:', 'chats: { 5: {} }']) {
    t.same(peopleOf(parse(text)), [], text)
  }
  const file = parse('allowed_chats: [-5, 7]\nallowed_users: []\nchats: { -5: {} }')
  t.same(usersOfChat(file, -5), [], 'a group without users')
  t.same(usersOfChat(file, 7), [], 'an empty list admits no one, also in a private chat')
  t.same(usersOfChat(parse('allowed_chats: [-5]'), -5), [])
  t.same(usersOfChat(parse('allowed_users: [3]'), -5), [], 'a chat that is not listed')
})

t.test('administrators are those of the users of a chat', async t => {
  const file = parse(`
allowed_chats: [-5, 1]
allowed_users: [1, 2]
admins: [1, 9]
chats: { 1: { admins: [2] } }
`)
  t.same(adminsOfChat(file, -5), [1], '9 may not write there')
  t.same(adminsOfChat(file, 1), [2])
  t.same(adminsOfChat(file, 3), [])
})

t.test('an error names the line and the key', async t => {
  const cases: [string, RegExp][] = [
    ['allowed_chats: [1]\nallowed_user: [1]', /line 2: allowed_user is not a key/],
    ['allowed_chats: ["@name"]', /line 1: allowed_chats.0/],
    ['allowed_chats: [1]\nchats:\n  1:\n    workspace: ../other', /line 4: chats.1.workspace/],
    [
      'allowed_chats: [1]\nchats:\n  -7:\n    allowed_users: [-3]',
      /line 4: chats.-7.allowed_users/,
    ],
    ['allowed_chats: [1', /line 1:/],
    ['default: { continue: yess }', /default.continue/],
  ]
  for (const [text, message] of cases) t.throws(() => parse(text), { message }, text)
})
