import { openSync } from 'node:fs'
import t from 'tap'
import { checkDescriptors } from '../../../../src/runner/ending/descriptor-check.ts'

t.test('a runner that can open no file gives up once, and one that can goes on', async t => {
  let isFull = false
  let opened = 0
  const given: unknown[] = []
  const giveUp = (error: unknown) => {
    given.push(error)
    return undefined as never
  }
  const open = (path: string) => {
    if (isFull) throw new Error('too many open files')
    opened++
    return openSync(path, 'r')
  }
  const pause = () => new Promise(resolve => setTimeout(resolve, 50))
  const end = checkDescriptors(giveUp, { open, pause: 1 })
  while (opened < 3) await pause()
  t.strictSame(given, [])
  isFull = true
  while (given.length === 0) await pause()
  await pause()
  t.match(given, [{ message: 'too many open files' }])
  end()
  isFull = false
  const before = opened
  const other = checkDescriptors(giveUp, { open, pause: 1 })
  other()
  await pause()
  t.equal(opened, before, 'nothing is tested after the run')
})
