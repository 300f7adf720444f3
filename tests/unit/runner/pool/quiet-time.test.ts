import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createQuietTime } from '../../../../src/runner/pool/quiet-time.ts'

t.test('work waits until nothing runs, and is done one after the other', async t => {
  let runs = 1
  const done: string[] = []
  const quiet = createQuietTime(() => runs === 0, 1)
  const work = (name: string) => async () => {
    done.push(`${name} begins`)
    await sleep(5)
    done.push(`${name} ends`)
  }
  quiet.later('a', work('old'))
  quiet.later('a', work('a'))
  quiet.later('b', work('b'))
  await sleep(20)
  t.strictSame(done, [], 'a run is under way')
  runs = 0
  quiet.look()
  while (done.length < 4) await sleep(5)
  t.strictSame(done, ['a begins', 'a ends', 'b begins', 'b ends'])
})

t.test('a run that comes in between goes first', async t => {
  let runs = 0
  const done: string[] = []
  const quiet = createQuietTime(() => runs === 0, 1)
  quiet.later('a', async () => {
    done.push('a')
    runs = 1
  })
  quiet.later('b', async () => done.push('b'))
  await sleep(30)
  t.strictSame(done, ['a'])
  runs = 0
  quiet.look()
  while (done.length < 2) await sleep(5)
  t.pass('and then the rest is done')
})

t.test('work that fails keeps nothing from being done; after the end nothing is', async t => {
  const done: string[] = []
  const quiet = createQuietTime(() => true, 1)
  quiet.later('a', async () => {
    throw new Error('no')
  })
  quiet.later('b', async () => done.push('b'))
  while (done.length < 1) await sleep(5)
  quiet.later('c', async () => done.push('c'))
  quiet.close()
  await sleep(20)
  t.strictSame(done, ['b'])
})
