import t from 'tap'
import { createAttention } from '../../../../src/web/page/attention.ts'

/** A clock of the test, with one timer at a time. */
function createClock() {
  let time = 0
  let timer: { at: number; call: () => void } | null = null
  return {
    now: () => time,
    set: ((call: () => void, delay: number) => {
      timer = { at: time + delay, call }
      return timer
    }) as unknown as typeof setTimeout,
    clear: (() => {
      timer = null
    }) as unknown as typeof clearTimeout,
    pass(milliseconds: number) {
      time += milliseconds
      if (!timer || timer.at > time) return
      const { call } = timer
      timer = null
      call()
    },
  }
}

t.test('a pause after some seconds of work means that Claude waits', async t => {
  const clock = createClock()
  let waits = 0
  const attention = createAttention(() => waits++, clock)
  for (let i = 0; i < 30; i++) {
    attention.output()
    clock.pass(100)
  }
  t.equal(waits, 0)
  clock.pass(3_000)
  t.equal(waits, 1)
  clock.pass(60_000)
  t.equal(waits, 1, 'once')
})

t.test('the echo of typing, and a single redraw, are not work', async t => {
  const clock = createClock()
  const attention = createAttention(() => t.fail('nothing waits'), clock)
  for (let i = 0; i < 30; i++) {
    attention.typed()
    attention.output()
    clock.pass(200)
  }
  clock.pass(10_000)
  attention.output()
  clock.pass(10_000)
  t.pass('silent')
})

t.test('a bell that rings without end says so once in a while', async t => {
  const clock = createClock()
  let waits = 0
  const attention = createAttention(() => waits++, clock)
  for (let i = 0; i < 1_000; i++) attention.bell()
  t.equal(waits, 1)
  clock.pass(3_000)
  attention.bell()
  t.equal(waits, 2)
})

t.test('the bell says so at once', async t => {
  const clock = createClock()
  let waits = 0
  const attention = createAttention(() => waits++, clock)
  attention.output()
  attention.bell()
  t.equal(waits, 1)
  clock.pass(10_000)
  t.equal(waits, 1)
})
