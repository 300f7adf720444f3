import t from 'tap'
import { createRunPlaces } from '../../../src/tenants/run-places.ts'

const full = (limit: number) => new Error(`full: ${limit}`)
const staying = () => ({ signal: new AbortController().signal })

t.test('a place that becomes free goes to the one that has waited longest', async t => {
  const places = createRunPlaces({ limit: 1, queue: 8, full })
  const free = await places.take('a', null)
  const order: string[] = []
  const wait = async (name: string) => {
    const done = await places.take('a', staying())
    order.push(name)
    done()
  }
  const all = ['first', 'second', 'third'].map(wait)
  t.equal(places.waiting(), 3)
  free()
  await t.rejects(places.take('a', null), { message: 'full: 1' }, 'a newcomer does not overtake')
  await Promise.all(all)
  t.strictSame(order, ['first', 'second', 'third'])
  t.equal(places.waiting(), 0)
})

t.test('each tenant has places of its own, and a place is freed once', async t => {
  const places = createRunPlaces({ limit: 1, queue: 8, full })
  const free = await places.take('a', null)
  await places.take('b', null)
  free()
  free()
  await places.take('a', null)
  await t.rejects(places.take('a', null), { message: 'full: 1' })
})

t.test('the queue is bounded, and one that leaves makes room in it', async t => {
  const places = createRunPlaces({ limit: 1, queue: 1, full })
  const free = await places.take('a', null)
  const leaver = new AbortController()
  let told = 0
  const waits = places.take('a', { signal: leaver.signal, onWait: () => void told++ })
  t.equal(told, 1)
  await t.rejects(places.take('a', staying()), { message: 'full: 1' })
  leaver.abort()
  await t.rejects(waits, { message: 'full: 1' })
  await t.rejects(places.take('a', { signal: leaver.signal }), { message: 'full: 1' })
  const next = places.take('a', staying())
  free()
  await t.resolves(next, 'the place was not given to the one that left')
})

t.test('a wait ends at its timeout, and when no more places are given', async t => {
  const short = createRunPlaces({ limit: 1, queue: 8, milliseconds: 1, full })
  await short.take('a', null)
  await t.rejects(short.take('a', staying()), { message: 'full: 1' })
  const places = createRunPlaces({ limit: 1, queue: 8, full })
  await places.take('a', null)
  const waits = places.take('a', staying())
  places.close(new Error('closed'))
  await t.rejects(waits, { message: 'closed' })
  await t.rejects(places.take('b', null), { message: 'closed' })
})
