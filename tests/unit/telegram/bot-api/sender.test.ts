import { GrammyError } from 'grammy'
import t from 'tap'
import { createPace } from '../../../../src/telegram/bot-api/pace.ts'
import { createSender } from '../../../../src/telegram/bot-api/sender.ts'

function failure(error_code: number, description: string, parameters: object = {}) {
  return new GrammyError('x', { ok: false, error_code, description, parameters }, 'sendMessage', {})
}

function sender(limits = { chat: 0, group: 1_000, all: 1_000 }) {
  const moves: [number, number][] = []
  const made = createSender({
    log: () => {},
    onMoved: (from, to) => void moves.push([from, to]),
    limits,
  })
  return Object.assign(made, { moves })
}

t.test('the pace keeps the limits of a chat, of a group and of all chats', async t => {
  let now = 0
  const pace = createPace(() => now)
  pace.took(1)
  t.equal(pace.readyAt(1), 1_000)
  t.ok(pace.readyAt(2) <= 0, 'another chat waits for nothing')
  for (let call = 0; call < 20; call += 1) {
    now = Math.max(now, pace.readyAt(-5))
    pace.took(-5)
  }
  t.equal(now, 19_000)
  t.equal(pace.readyAt(-5), 60_000, '20 in a group within a minute')
  now = 30_000
  for (let chat = 100; chat < 130; chat += 1) pace.took(chat)
  t.equal(pace.readyAt(200), 31_000, '30 within a second')
  pace.pause(7, 5_000)
  t.equal(pace.readyAt(7), 35_000)
  now = 1_000_000
  pace.prune()
  t.ok(pace.readyAt(-5) < now)
})

t.test('the calls of one chat keep their order, one at a time', async t => {
  const s = sender()
  const seen: string[] = []
  const call = (name: string) => async () => {
    seen.push(`${name} begins`)
    await new Promise(resolve => setImmediate(resolve))
    seen.push(`${name} ends`)
    return name
  }
  const [one, two] = await Promise.all([s.send(1, call('a')), s.send(1, call('b'))])
  t.same(seen, ['a begins', 'a ends', 'b begins', 'b ends'])
  t.same(
    [one, two],
    [
      { kind: 'sent', value: 'a' },
      { kind: 'sent', value: 'b' },
    ],
  )
  await s.close(0)
})

t.test('chats take turns: a flood in one does not hold up another', async t => {
  const s = sender({ chat: 5, group: 1_000, all: 1_000 })
  const seen: number[] = []
  const call = async (chat: number) => void seen.push(chat)
  const flood = Array.from({ length: 20 }, () => s.send(1, call))
  await s.send(2, call)
  t.ok(seen.length < 5, `${seen.length}`)
  await Promise.all(flood)
  await s.close(0)
})

t.test('a call waits as long as Telegram says, and is repeated', async t => {
  const s = sender()
  let calls = 0
  const sent = await s.send(1, async () => {
    calls += 1
    if (calls < 3) throw failure(429, 'Too Many Requests: retry after 0', { retry_after: 0 })
    return 'through'
  })
  t.match(sent, { kind: 'sent', value: 'through' })
  t.equal(calls, 3)
  await s.close(0)
})

t.test('an edit that is late gives way to the next one', async t => {
  const s = sender()
  const seen: string[] = []
  const edit = (text: string) => s.send(1, async () => void seen.push(text), { shows: 'edit:9' })
  const gate = s.send(1, () => new Promise(resolve => setTimeout(resolve, 20)))
  const results = await Promise.all([gate, edit('1'), edit('2'), edit('3')])
  t.same(
    results.map(({ kind }) => kind),
    ['sent', 'dropped', 'dropped', 'sent'],
  )
  t.same(seen, ['3'])
  await s.close(0)
})

t.test('what goes to a group goes to the supergroup that it has become', async t => {
  const s = sender()
  const chats: number[] = []
  const call = async (chat: number) => {
    chats.push(chat)
    if (chat === -5) {
      const moved = { migrate_to_chat_id: -100 }
      throw failure(400, 'Bad Request: group chat was upgraded to a supergroup chat', moved)
    }
  }
  const all = await Promise.all([s.send(-5, call), s.send(-5, call)])
  await s.send(-5, call)
  t.ok(all.every(({ kind }) => kind === 'sent'))
  t.same(chats, [-5, -100, -100, -100])
  t.same(s.moves, [[-5, -100]])
  t.equal(s.placeOf(-5), -100)
  await s.close(0)
})

t.test('a chat that blocked the bot, and a refusal, end a call', async t => {
  const s = sender()
  const fail = (error: Error) =>
    s.send(1, async () => {
      throw error
    })
  t.match(await fail(failure(403, 'Forbidden: bot was blocked by the user')), {
    failure: { kind: 'blocked' },
  })
  t.match(await fail(failure(400, 'Bad Request: chat not found')), { failure: { kind: 'blocked' } })
  t.match(await fail(failure(400, "Bad Request: can't parse entities: x")), {
    failure: { kind: 'entities' },
  })
  t.match(await fail(failure(400, 'Bad Request: message is not modified: x')), {
    failure: { kind: 'unchanged' },
  })
  t.match(await fail(failure(400, 'Bad Request: message to edit not found')), {
    failure: { kind: 'gone' },
  })
  await s.close(0)
  t.match(await s.send(1, async () => 1), { kind: 'dropped' }, 'a closed sender sends nothing')
})

t.test('a sender that closes waits for the call in progress', async t => {
  const s = sender()
  let isDone = false
  const sent = s.send(1, async () => {
    await new Promise(resolve => setTimeout(resolve, 50))
    isDone = true
  })
  await s.close(60_000)
  t.ok(isDone)
  t.match(await sent, { kind: 'sent' })
})
