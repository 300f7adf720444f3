import t, { type Test } from 'tap'
import { createMemoryRecords, type Records } from '../../../src/tenants/store/records.ts'
import { openStores } from './fixture.ts'

async function check(t: Test, records: Records) {
  records.put('update', '002', { text: 'two' })
  records.put('update', '001', { text: 'one' })
  records.put('job', '001', 7)
  t.same(records.list('update'), [
    { key: '001', value: { text: 'one' } },
    { key: '002', value: { text: 'two' } },
  ])
  t.same(records.list('update', { limit: 1, after: '001' }), [
    { key: '002', value: { text: 'two' } },
  ])
  t.equal(records.count('update'), 2)
  records.put('update', '002', { text: 'changed' })
  t.same(records.get('update', '002'), { text: 'changed' })
  t.equal(records.get('update', '003'), null)
  t.throws(() =>
    records.durable(() => {
      records.remove('update', '001')
      throw new Error('a full disk')
    }),
  )
  t.equal(records.count('update'), 2, 'all of the work, or nothing')
  records.durable(() => records.remove('update', '001'))
  t.equal(records.count('update'), 1)
}

t.test('records are kept by surface, kind and key, and outlive the process', async t => {
  const s = await openStores(t)
  const records = s.stores.records('telegram')
  await check(t, records)
  t.same(s.stores.records('other').list('update'), [], 'of the surface alone')
  const again = await s.reopen()
  t.same(again.records('telegram').get('update', '002'), { text: 'changed' })
})

t.test('records in memory are the same', async t => {
  await check(t, createMemoryRecords())
})
