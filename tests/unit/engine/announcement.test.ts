import { PassThrough } from 'node:stream'
import t from 'tap'
import { withoutAnnouncement } from '../../../src/engine/announcement.ts'

/** Feeds the pieces to a reader that expects `none!`; returns what is shown, and whether it was missed. */
async function read(pieces: readonly string[], first = '') {
  // As the engine's answer leaves it.
  const socket = new PassThrough().pause()
  let isMissed = false
  const missed = async () => {
    isMissed = true
  }
  const announcement = { text: 'none!', missed }
  const shown = withoutAnnouncement(socket, Buffer.from(first), announcement, () => {})
  for (const piece of pieces) socket.write(piece)
  socket.end()
  const begin = await shown
  const rest: Buffer[] = []
  for await (const chunk of socket) rest.push(chunk)
  return { isMissed, shown: String(Buffer.concat([begin, ...rest])) }
}

t.test('an announcement is removed, in any pieces', async t => {
  const whole = 'none!screen'
  for (let cut = 0; cut <= whole.length; cut++) {
    const found = await read([whole.slice(cut)], whole.slice(0, cut))
    t.same(found, { isMissed: false, shown: 'screen' }, `after ${cut}`)
  }
  t.same(await read([...whole]), { isMissed: false, shown: 'screen' })
})

t.test('an announcement counts only at the beginning, and only whole', async t => {
  for (const output of ['screen', ' none!', 'none?']) {
    t.same(await read([output]), { isMissed: true, shown: output }, output)
    t.same(await read([], output), { isMissed: true, shown: output }, output)
  }
})

t.test('a command that ends before it says anything whole misses nothing', async t => {
  for (const output of ['non', '']) {
    t.same(await read([output]), { isMissed: false, shown: output }, output)
  }
})

t.test('the failure of what a missed announcement starts is passed on', async t => {
  const failed = new Promise(resolve => {
    const missed = async () => {
      throw new Error('no engine')
    }
    const announcement = { text: 'none!', missed }
    void withoutAnnouncement(new PassThrough(), Buffer.from('screen'), announcement, resolve)
  })
  t.match(await failed, { message: 'no engine' })
})
