import t from 'tap'
import { createMemoryLease } from '../../../src/run/memory-lease.ts'

const { signal } = new AbortController()
const [first, second, third] = ['1', '2', '3'].map(digit => digit.repeat(16)) as [
  string,
  string,
  string,
]

t.test('one run holds a workspace, and a second run is refused with its id', async t => {
  const lease = createMemoryLease()
  const release = await lease.acquire('/workspaces', first, { wait: false, signal })
  await t.rejects(lease.acquire('/workspaces', second, { wait: false, signal }), {
    message: `workspace busy with run ${first}`,
    code: 'busy',
    holder: first,
  })
  const other = await lease.acquire('/workspaces/other', second, { wait: false, signal })
  release()
  other()
  ;(await lease.acquire('/workspaces', second, { wait: false, signal }))()
})

t.test('runs that wait get the workspace in their order, one at a time', async t => {
  const lease = createMemoryLease()
  const order: string[] = []
  const release = await lease.acquire('/w', first, { wait: false, signal })
  const waiting = [second, third].map(async runId => {
    const free = await lease.acquire('/w', runId, { wait: true, signal })
    order.push(runId)
    return free
  })
  release()
  const free = await waiting[0]
  t.same(order, [second])
  await t.rejects(lease.acquire('/w', first, { wait: false, signal }), {
    code: 'busy',
    holder: second,
  })
  release()
  t.same(order, [second], 'a second release of the first run frees nothing')
  free?.()
  ;(await waiting[1])?.()
  t.same(order, [second, third])
  ;(await lease.acquire('/w', first, { wait: false, signal }))()
})

t.test('a run that is cancelled while it waits leaves the queue', async t => {
  const lease = createMemoryLease()
  const controller = new AbortController()
  const release = await lease.acquire('/w', first, { wait: false, signal })
  const cancelled = lease.acquire('/w', second, { wait: true, signal: controller.signal })
  const next = lease.acquire('/w', third, { wait: true, signal })
  controller.abort(new Error('cancelled'))
  await t.rejects(cancelled, { message: 'cancelled' })
  release()
  ;(await next)()
  await t.rejects(
    lease.acquire('/w', second, { wait: true, signal: controller.signal }),
    { message: 'cancelled' },
    'a free workspace is not given to a cancelled run',
  )
})
