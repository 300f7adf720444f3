import t from 'tap'
import { removeSharedMemory } from '../../../../src/runner/ending/shared-memory.ts'

const heading = '       key      shmid perms\n'

t.test('memory, semaphores and queues are removed, and only where there are any', async t => {
  let removals = 0
  const remove = async () => {
    removals++
  }
  const none = { shm: heading, sem: heading, msg: heading }
  await removeSharedMemory(t.testdir(none), remove)
  t.equal(removals, 0)
  for (const table of Object.keys(none)) {
    await removeSharedMemory(t.testdir({ ...none, [table]: `${heading}  0  1  600\n` }), remove)
  }
  t.equal(removals, 3)
})

t.test('a kernel without the tables, and a failed removal, do not fail the run', async t => {
  const fail = () => Promise.reject(new Error('refused'))
  await t.resolves(removeSharedMemory(t.testdir({}), fail))
  await t.resolves(removeSharedMemory(t.testdir({ shm: `${heading}  0  1  600\n` }), fail))
})
