import t from 'tap'
import { createDeferred } from '../../../src/base/async.ts'
import { createGate } from '../../../src/tenants/gate.ts'

t.test('a gate lets so many through at once, and the others in their order', async t => {
  const gate = createGate(2)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) =>
    gate(async () => {
      begun.push(name)
      const end = createDeferred<void>()
      ends.set(name, () => end.resolve())
      await end.promise
      return name
    })
  const results = [...'abcd'].map(work)
  await new Promise(setImmediate)
  t.same(begun, ['a', 'b'])
  ends.get('b')?.()
  t.equal(await results[1], 'b')
  await new Promise(setImmediate)
  t.same(begun, ['a', 'b', 'c'])
  for (const name of ['a', 'c']) ends.get(name)?.()
  await Promise.all([results[0], results[2]])
  ends.get('d')?.()
  t.equal(await results[3], 'd')
})

t.test('work that fails gives its place back', async t => {
  const gate = createGate(1)
  await t.rejects(
    gate(async () => {
      throw new Error('no')
    }),
    { message: 'no' },
  )
  t.equal(await gate(async () => 'yes'), 'yes')
})
