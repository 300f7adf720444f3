import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import t from 'tap'
import {
  identityOf,
  isAlive,
  type ProcessEntry,
  readProcesses,
} from '../../../../src/runner/ending/processes.ts'
import {
  currentDescendants,
  orphansIn,
  settle,
  sweep,
} from '../../../../src/runner/ending/sweep.ts'
import { until } from '../../../support/stack/process.ts'

const entry = (pid: number, parent: number, state = 'S'): ProcessEntry => ({
  pid,
  parent,
  state,
  started: String(pid),
})

/** Processes that are there until they are killed, and one that was overlooked at first. */
function machine(processes: ProcessEntry[], late: ProcessEntry[] = []) {
  const killed: number[] = []
  let looks = 0
  return {
    killed,
    read: () => {
      if (++looks === 2) processes.push(...late)
      return processes.filter(({ pid }) => !killed.includes(pid))
    },
    kill: (pid: number) => {
      killed.push(pid)
    },
  }
}

t.test('a process that never started has no descendants, and init is kept', async t => {
  const fake = machine([entry(1, 0), entry(10, 1), entry(11, 10)])
  t.equal(await sweep({ root: 0, orphans: false, ...fake }), 0)
  t.strictSame(fake.killed, [])
})

t.test('all descendants are killed, except those to keep', async t => {
  const fake = machine([entry(1, 0), entry(10, 1), entry(11, 10), entry(12, 11), entry(13, 10)])
  const keep = new Set(['11:11'])
  t.equal(await sweep({ root: 10, keep, orphans: false, ...fake }), 2)
  t.strictSame(fake.killed.sort(), [12, 13])
})

t.test('one empty scan is not sufficient', async t => {
  const fake = machine([entry(10, 1)], [entry(12, 10)])
  t.equal(await sweep({ root: 10, orphans: false, ...fake }), 1)
})

t.test('orphans are killed where all children of init belong to the runner', async t => {
  const processes = [
    entry(1, 0),
    entry(process.pid, 1),
    entry(20, 1),
    entry(21, 1, 'Z'),
    entry(9, 0),
  ]
  const fake = machine(processes)
  t.equal(await sweep({ root: 10, orphans: true, ...fake }), 1)
  t.strictSame(fake.killed, [20], 'not those that docker exec brought in, which have no parent')
  t.strictSame(
    orphansIn([entry(1, 0), entry(7, 1), entry(8, 1)], 7).map(({ pid }) => pid),
    [8],
  )
})

t.test('descendants of an orphan are killed, even while it shows as dead', async t => {
  const processes = [entry(1, 0), entry(process.pid, 1), entry(20, 1, 'Z'), entry(22, 20)]
  const fake = machine([...processes, entry(30, process.pid)])
  t.equal(await sweep({ root: 10, orphans: true, ...fake }), 1)
  t.strictSame(fake.killed, [22], 'and no other child of the runner')
})

t.test('a real process is killed', async t => {
  const child = spawn('sh', ['-c', 'echo; sleep 300 & wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  t.ok(currentDescendants(process.pid).size >= 1)
  t.ok((await sweep({ root: child.pid ?? 0, orphans: false })) <= 1)
  child.kill('SIGKILL')
  await ended
})

t.test('settle waits for processes that end by themselves, up to a timeout', async t => {
  // Its first child ends when its input ends; the second outlives the test.
  const child = spawn('sh', ['-c', 'cat <&3 & sleep 300 & wait'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const input = child.stdio[3] as Writable
  const root = child.pid ?? 0
  const below = () => readProcesses().filter(entry => entry.parent === root && isAlive(entry))
  await until('its children', async () => below().length === 2)
  const [first, second] = below()
  const keep = new Set([first, second].flatMap(entry => (entry ? [identityOf(entry)] : [])))
  await settle(root, keep, 60_000)
  t.equal(below().length, 2, 'those to keep are not waited for')
  setTimeout(() => input.end(), 200)
  t.ok(await settle(root, new Set(second ? [identityOf(second)] : []), 60_000))
  t.equal(below().length, 1)
  await settle(root, new Set(), 50)
  t.equal(below().length, 1, 'and it gives up')
  for (const { pid } of below()) process.kill(pid, 'SIGKILL')
})
