import { PassThrough } from 'node:stream'
import t from 'tap'
import { withoutAnnouncement } from '../../../src/engine/announcement.ts'

/** Feeds the pieces to a reader that expects `start!`; returns what is shown, and whether it was heard. */
async function read(pieces: readonly string[], first = '') {
  // As the engine's answer leaves it.
  const socket = new PassThrough().pause()
  let heard = false
  const text = 'start!'
  const shown = withoutAnnouncement(
    socket,
    Buffer.from(first),
    {
      text,
      heard: async () => {
        heard = true
      },
    },
    () => {},
  )
  for (const piece of pieces) socket.write(piece)
  socket.end()
  const begin = await shown
  const rest: Buffer[] = []
  for await (const chunk of socket) rest.push(chunk)
  return { heard, shown: String(Buffer.concat([begin, ...rest])) }
}

t.test('an announcement is removed, in any pieces', async t => {
  const whole = 'start!screen'
  for (let cut = 0; cut <= whole.length; cut++) {
    t.same(
      await read([whole.slice(cut)], whole.slice(0, cut)),
      { heard: true, shown: 'screen' },
      `after ${cut}`,
    )
  }
  t.same(await read([...whole]), { heard: true, shown: 'screen' })
})

t.test('an announcement counts only at the beginning, and only whole', async t => {
  for (const output of ['screen', ' start!', 'start?', 'star', '']) {
    t.same(await read([output]), { heard: false, shown: output }, output)
    t.same(await read([], output), { heard: false, shown: output }, output)
  }
})

t.test('the failure of what follows an announcement is passed on', async t => {
  const failed = new Promise(resolve => {
    const announcement = {
      text: 'start!',
      heard: async () => {
        throw new Error('no engine')
      },
    }
    void withoutAnnouncement(new PassThrough(), Buffer.from('start!'), announcement, resolve)
  })
  t.match(await failed, { message: 'no engine' })
})
