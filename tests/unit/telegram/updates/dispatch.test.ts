import t from 'tap'
import { createDispatch } from '../../../../src/telegram/updates/dispatch.ts'

t.test('the updates of a chat keep their order, and the chats take turns', async t => {
  const seen: string[] = []
  const active = new Set<number>()
  let open: (() => void)[] = []
  const dispatch = createDispatch(
    async ({ id, chat }) => {
      t.notOk(active.has(chat), 'one at a time in a chat')
      active.add(chat)
      seen.push(`${chat}:${id}`)
      await new Promise<void>(resolve => open.push(resolve))
      active.delete(chat)
    },
    { limit: 2 },
  )
  dispatch.add([1, 2, 3].map(id => ({ id, chat: 1 })))
  dispatch.add([
    { id: 4, chat: 2 },
    { id: 5, chat: 3 },
  ])
  t.same(seen, ['1:1', '2:4'])
  while (open.length > 0) {
    for (const go of open.splice(0)) go()
    await new Promise(resolve => setImmediate(resolve))
  }
  t.same(seen, ['1:1', '2:4', '3:5', '1:2', '1:3'])
  open = []
  await dispatch.close()
  dispatch.add([{ id: 6, chat: 1 }])
  t.equal(seen.length, 5, 'a closed one begins nothing')
})
