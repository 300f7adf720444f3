import t from 'tap'
import { settleConcurrently } from '../../../src/base/settle-concurrently.ts'

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
