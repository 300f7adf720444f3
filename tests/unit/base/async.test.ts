import t from 'tap'
import { settleConcurrently, until } from '../../../src/base/async.ts'

/** A clock that moves only by pauses. */
function clock() {
  let time = 0
  const pauses: number[] = []
  return {
    pauses,
    now: () => time,
    pause: async (milliseconds: number) => {
      pauses.push(milliseconds)
      time += milliseconds
    },
  }
}

t.test('returns the first thing that the check finds', async t => {
  const time = clock()
  const answers = [null, false, undefined, 'found', 'never asked'] as const
  let asked = 0
  t.equal(await until(() => answers[asked++], { every: 10, timeout: 100, ...time }), 'found')
  t.same(time.pauses, [10, 10, 10])
  t.equal(await until(async () => 0, { every: 10, ...time }), 0, 'zero is something')
  t.equal(await until(async () => '', { every: 10, ...time }), '', 'so is an empty text')
})

t.test('returns null after the timeout, with a last check at its end', async t => {
  const time = clock()
  let asked = 0
  const check = () => {
    asked++
    return null
  }
  t.equal(await until(check, { every: 10, timeout: 25, ...time }), null)
  t.same(time.pauses, [10, 10, 5])
  t.equal(asked, 4)
  t.equal(await until(() => 'at once', { every: 10, timeout: 0, ...time }), 'at once')
  t.equal(await until(() => false, { every: 10, timeout: 0, ...time }), null)
})

t.test('a check that fails ends the wait', async t => {
  const check = () => Promise.reject(new Error('broken'))
  await t.rejects(until(check, { every: 1 }), { message: 'broken' })
})

t.test('the signal ends a wait with its reason', async t => {
  const controller = new AbortController()
  const waiting = until(() => null, { every: 60_000, signal: controller.signal })
  controller.abort(new Error('stopped by hand'))
  await t.rejects(waiting, { message: 'stopped by hand' })
  let asked = false
  const late = until(() => (asked = true), { every: 1, signal: controller.signal })
  await t.rejects(late, { message: 'stopped by hand' })
  t.notOk(asked, 'and nothing is asked after it')
})

t.test('no more than the limit are under way, and results keep their places', async t => {
  let running = 0
  let most = 0
  const results = await settleConcurrently([5, 1, 4, 2, 3], 2, async item => {
    running += 1
    most = Math.max(most, running)
    await new Promise(resolve => setTimeout(resolve, item))
    running -= 1
    return item * 10
  })
  t.equal(most, 2)
  t.same(
    results.map(result => result.status === 'fulfilled' && result.value),
    [50, 10, 40, 20, 30],
  )
})

t.test('one that fails, also before it waits for anything, does not keep the others', async t => {
  const done: number[] = []
  const results = await settleConcurrently([1, 2, 3, 4], 2, async item => {
    if (item === 2) throw new Error('two')
    done.push(item)
  })
  t.same(done.sort(), [1, 3, 4])
  t.match(results[1], { status: 'rejected', reason: { message: 'two' } })
})

t.test('nothing to do is done at once', async t => {
  t.same(await settleConcurrently([], 3, async () => 1), [])
})
