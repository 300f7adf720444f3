import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { removeLeftovers } from '../../../bench/leftovers.ts'
import { createTeardown } from '../../../bench/teardown.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'

/** No process has this id: the kernel's largest is 4194304. */
const dead = 4_194_305

t.test('a bench removes the stacks of a killed bench, and no others', async t => {
  const place = await temporaryFolder(t, 'bench')
  const stacks = async (bench: string, stack: string) => {
    await mkdir(join(place, bench, 'claude-secure-test-state-a/claude-secure/stacks', stack), {
      recursive: true,
    })
  }
  await stacks(`claude-secure-bench-${dead}`, 'claude-secure-project-11111111')
  await stacks(`claude-secure-bench-${process.pid}`, 'claude-secure-project-22222222')
  await stacks('claude-secure-bench-notes', 'claude-secure-project-33333333')
  await stacks('another', 'claude-secure-project-44444444')
  const asked: string[] = []
  const removed = await removeLeftovers(place, async stack => void asked.push(stack))
  t.same(asked, ['claude-secure-project-11111111'])
  t.same(removed, asked)
  t.notOk(existsSync(join(place, `claude-secure-bench-${dead}`)))
  t.ok(existsSync(join(place, `claude-secure-bench-${process.pid}`)))
  t.ok(existsSync(join(place, 'claude-secure-bench-notes')))
})

t.test('a second cleanup waits for the first, and a failed step does not end it', async t => {
  const done: string[] = []
  const { test, run } = createTeardown()
  test.teardown(async () => {
    await new Promise(resolve => setTimeout(resolve, 20))
    done.push('made first, removed last')
  })
  test.teardown(() => Promise.reject(new Error('a step that fails in this test')))
  void run()
  await run()
  t.same(done, ['made first, removed last'])
})
