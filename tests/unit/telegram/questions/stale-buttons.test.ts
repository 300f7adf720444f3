/** Buttons whose message the server could not note: it was killed, or Telegram's answer was lost. */
import t, { type Test } from 'tap'
import type { Messages } from '../../../../src/telegram/bot-api/messages.ts'
import { createNameGrants } from '../../../../src/telegram/questions/name-grants.ts'
import { createQuestions } from '../../../../src/telegram/questions/questions.ts'
import { createMemoryRecords } from '../../../../src/tenants/store/records.ts'

const chat = 7

/** Messages that are sent and never noted: nothing answers `say`. */
function unanswering() {
  const made: unknown[][] = []
  const messages = {
    say: (...given: unknown[]) => {
      made.push(['say', ...given])
      return new Promise(() => {})
    },
    edit: async (...given: unknown[]) => void made.push(['edit', ...given]),
    takeButtons: async (...given: unknown[]) => void made.push(['takeButtons', ...given]),
  } as unknown as Messages
  return { made, messages }
}

function offered(t: Test) {
  const { made, messages } = unanswering()
  const records = createMemoryRecords()
  const granted: string[] = []
  const open = () =>
    createNameGrants({
      ...{ records, messages },
      grants: {
        list: async () => [],
        grant: async ({ names }) => {
          granted.push(...names)
          return []
        },
        deny: async () => [],
      },
    })
  open().offer({ id: 'j', chat, topic: null, tenant: 'main' } as never, ['a.test'])
  const [{ key: nonce = '' } = {}] = records.list('grant')
  t.ok(nonce)
  return { made, granted, nonce, grants: open() }
}

t.test('an offer is taken after the server was killed before it noted its message', async t => {
  const { grants, nonce, granted, made } = offered(t)
  const place = { chat, message: 5, user: 1 }
  const press = { nonce, seconds: 900 }
  t.equal(await grants.press({ ...place, isShown: false }, press), 'expired', 'forged')
  t.equal(await grants.press({ ...place, chat: 8, isShown: true }, press), 'expired')
  t.same(granted, [])
  t.equal(await grants.press({ ...place, isShown: true }, press), 'granted')
  t.same(granted, ['a.test'])
  t.match(made.at(-1), ['edit', { chat }, 5, /^🔓 a\.test is open/])
})

t.test('a question that is over loses its buttons, and no other message does', async t => {
  const { made, messages } = unanswering()
  const records = createMemoryRecords()
  const questions = createQuestions({ records, messages, starter: {} as never })
  const press = { nonce: 'n', choice: 0 }
  const expired = 'expired: this question is no longer open'
  t.equal(await questions.press({ chat, message: 5, isShown: false }, press), expired)
  t.same(made, [])
  t.equal(await questions.press({ chat, message: 5, isShown: true }, press), expired)
  t.match(made, [['takeButtons', { chat }, 5]])
})
