import t from 'tap'
import { createShares } from '../../../../src/gateway/http/shares.ts'

/** Takes as many as there are. */
function takeAll(shares: ReturnType<typeof createShares>, caller: string, callers: number) {
  let count = 0
  while (shares.take(caller, callers)) count++
  return count
}

t.test('a single caller has the whole limit, by any number of names', async t => {
  const shares = createShares(8)
  t.equal(takeAll(shares, 'a', 1), 8)
  t.notOk(shares.take('b', 1))
  shares.free('a')
  t.ok(shares.take('b', 1))
})

t.test('one caller leaves every other its part, also one that has not come yet', async t => {
  const shares = createShares(64)
  t.equal(takeAll(shares, 'a', 4), 40)
  t.equal(takeAll(shares, 'b', 4), 8)
  t.equal(takeAll(shares, 'c', 4), 8)
  t.equal(takeAll(shares, 'd', 4), 8)
  shares.free('a')
  t.notOk(shares.take('a', 4) && shares.take('a', 4), 'it gets what it gave back, and no more')
})

t.test('what the others use already is not kept for them a second time', async t => {
  const shares = createShares(12)
  for (let i = 0; i < 3; i++) t.ok(shares.take('b', 2))
  t.equal(takeAll(shares, 'a', 2), 9)
})

t.test('all that is given back can be taken again', async t => {
  const shares = createShares(10)
  for (let round = 0; round < 3; round++) {
    for (const [caller, count] of [
      ['a', 8],
      ['b', 2],
    ] as const) {
      t.equal(takeAll(shares, caller, 2), count)
    }
    for (let i = 0; i < 8; i++) shares.free('a')
    for (let i = 0; i < 2; i++) shares.free('b')
  }
})
