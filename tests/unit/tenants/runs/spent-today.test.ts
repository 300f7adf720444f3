import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { addCharges } from '../../../../src/tenants/runs/spent-today.ts'
import type { Charge } from '../../../../src/tenants/store/charges.ts'
import { noUsage } from '../../../../src/usage/entry.ts'

const [one, two, three] = ['1111111111111111', '2222222222222222', '3333333333333333']
const today = '2026-11-21'

const charge = (runId: string, usd: number, tokens: number, more: Partial<Charge> = {}) => ({
  ...{ tenant: 'a', runId, meter: runId, since: today, usd, tokens },
  ...more,
})

type Count = [meter: string, usd: number, tokens: number]

/** The gateway's lines of a day. */
function gateway(t: Test) {
  const folder = t.testdir({})
  const write = (tenant: string, day: string, counts: readonly Count[]) => {
    const lines = counts.map(([meter, estimatedUsd, estimatedTokens]) =>
      JSON.stringify({ meter, model: 'm', ...noUsage, requests: 1, estimatedUsd, estimatedTokens }),
    )
    mkdirSync(join(folder, tenant), { recursive: true })
    writeFileSync(join(folder, tenant, `${day}.0.ndjson`), lines.map(line => `${line}\n`).join(''))
  }
  return { folder, write }
}

t.test('a run costs the larger of what it reported and what the gateway counted', async t => {
  const { folder, write } = gateway(t)
  write('a', today, [
    [one, 3, 10],
    [two, 0.5, 900],
    ['interactive', 70, 70],
    ['other', 70, 70],
  ])
  const charges = [charge(one, 1, 20), charge(two, 2, 100), charge(three, 4, 7)]
  t.same(await addCharges(charges, folder), { usd: 3 + 2 + 4, tokens: 20 + 900 + 7 })
  t.same(await addCharges([], folder), { usd: 0, tokens: 0 })
})

t.test('a run that ended without a result costs what the gateway counted', async t => {
  const { folder, write } = gateway(t)
  write('a', today, [[one, 3, 10]])
  t.same(await addCharges([charge(one, 0, 0)], folder), { usd: 3, tokens: 10 })
  write('a', today, [
    [one, 3, 10],
    [one, 1, 5],
  ])
  t.same(
    await addCharges([charge(one, 0, 0)], folder),
    { usd: 4, tokens: 15 },
    'a count that comes after its end too',
  )
})

t.test('a run over midnight costs what was counted on both days', async t => {
  const { folder, write } = gateway(t)
  write('a', '2026-11-19', [[one, 50, 50]])
  write('a', '2026-11-20', [[one, 3, 10]])
  write('a', today, [[one, 1, 5]])
  const charges = [charge(one, 0, 0, { since: '2026-11-20' })]
  t.same(await addCharges(charges, folder), { usd: 4, tokens: 15 })
})

t.test('runs that the gateway counted under one name share its count', async t => {
  const { folder, write } = gateway(t)
  write('a', today, [[three, 3, 10]])
  const charges = [charge(one, 1, 4, { meter: three }), charge(two, 1, 8, { meter: three })]
  t.same(await addCharges(charges, folder), { usd: 3, tokens: 12 })
})

t.test('a run of one tenant is not charged for that of another', async t => {
  const { folder, write } = gateway(t)
  write('a', today, [[one, 1, 1]])
  write('b', today, [[one, 2, 2]])
  t.same(await addCharges([charge(one, 0, 0)], folder), { usd: 1, tokens: 1 })
  const both = [charge(one, 0, 0), charge(one, 0, 0, { tenant: 'b' })]
  t.same(await addCharges(both, folder), { usd: 3, tokens: 3 })
  await t.rejects(addCharges([charge(one, 0, 0, { tenant: '../b' })], folder))
})

t.test('a token whose counts cannot be read starts nothing', async t => {
  const { folder } = gateway(t)
  mkdirSync(join(folder, 'a'))
  symlinkSync('/etc/passwd', join(folder, 'a', `${today}.json`))
  await t.rejects(addCharges([charge(one, 0, 0)], folder), { message: /is not a usage file/ })
})
