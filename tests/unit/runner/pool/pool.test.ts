import t from 'tap'
import { freeMemory } from '../../../../src/runner/pool/pool.ts'

const plenty = () => 1e12

t.test("free memory is the rest of the cgroup's limit, with reclaimable cache", async t => {
  const second = t.testdir({
    'memory.max': '1000\n',
    'memory.current': '800\n',
    'memory.stat': 'anon 1\ninactive_file 300\n',
  })
  t.equal(freeMemory(second, plenty), 500)
  t.equal(
    freeMemory(second, () => 7),
    7,
    'a machine that has less counts',
  )
})

t.test('cgroup v1 is supported', async t => {
  const first = t.testdir({
    memory: {
      'memory.limit_in_bytes': '1000\n',
      'memory.usage_in_bytes': '900\n',
      'memory.stat': 'inactive_file 1\ntotal_inactive_file 20\n',
    },
  })
  t.equal(freeMemory(first, plenty), 120)
})

t.test('without a limit, the memory of the machine counts', async t => {
  const folder = t.testdir({ 'memory.max': 'max\n', 'memory.current': '1\n' })
  t.equal(
    freeMemory(folder, () => 5),
    5,
  )
  t.equal(
    freeMemory('/nonexistent', () => 5),
    5,
  )
  t.ok(freeMemory() > 0)
})
