import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import t from 'tap'
import {
  countProcesses,
  descendantsOf,
  identityOf,
  isAlive,
  orphansIn,
  ownProcesses,
  type ProcessEntry,
  parseProcessStat,
  readProcesses,
  settle,
  sweep,
} from '../../../../src/runner/ending/sweep.ts'
import { until } from '../../../support/stack/process.ts'

const after = (started: string) => `0 ${'0 '.repeat(16)}${started} 0 0`
const entry = (pid: number, parent: number, state = 'S'): ProcessEntry => ({
  pid,
  parent,
  state,
  started: String(pid),
})

t.test('a process name cannot forge the fields after it', async t => {
  const line = `12 (a) R 1 (b\n) S 7 ${after('99')}`
  t.strictSame(parseProcessStat(line), { pid: 12, parent: 7, state: 'S', started: '99' })
  t.equal(parseProcessStat(''), null)
  t.equal(parseProcessStat('x (y) S'), null)
})

t.test('all descendants of a process are found, and no others', async t => {
  const all = [entry(1, 0), entry(5, 1), entry(6, 5), entry(7, 6, 'Z'), entry(8, 1)]
  t.strictSame(
    descendantsOf(5, all).map(({ pid }) => pid),
    [6, 7],
  )
  t.strictSame(descendantsOf(99, all), [])
})

t.test('a zombie is not alive, and a reused pid is another process', async t => {
  t.notOk(isAlive(entry(7, 6, 'Z')))
  t.ok(isAlive(entry(7, 6, 'T')), 'a stopped one does')
  t.not(identityOf(entry(7, 6)), identityOf({ ...entry(7, 6), started: '1' }))
})

t.test('the list of processes includes the current one', async t => {
  const self = readProcesses().find(({ pid }) => pid === process.pid)
  t.equal(self?.parent, process.ppid)
  const folder = t.testdir({
    12: {},
    13: { stat: 'x' },
    self: { stat: `14 (a) S 1 ${after('1')}` },
  })
  t.strictSame(readProcesses(folder), [], 'those that end while they are read are left out')
})

t.test('a process that cannot be read or killed is an error, not one that has ended', async t => {
  // A folder in the file's place, which root cannot read either.
  t.throws(() => readProcesses(t.testdir({ 12: { stat: {} } })), { code: 'EISDIR' })
  const fake = machine([entry(10, 1), entry(12, 10)])
  const kill = () => {
    throw new Error('not permitted')
  }
  await t.rejects(sweep({ root: 10, orphans: false, ...fake, kill }), { message: 'not permitted' })
})

t.test('a sweep gives up on a process that survives', async t => {
  const fake = machine([entry(10, 1), entry(12, 10)])
  const sweeping = sweep({ root: 10, orphans: false, ...fake, kill: () => {}, timeout: 20 })
  await t.rejects(sweeping, { message: '1 processes survive SIGKILL' })
})

t.test('only processes are counted, not other entries of the folder', async t => {
  const folder = t.testdir({ 1: {}, 22: {}, self: {}, '3x': {} })
  t.equal(countProcesses(folder), 2)
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

t.test('only the oldest child is claude, and only servers in its tree are kept', async t => {
  const at = (pid: number, parent: number, started: string) => ({ ...entry(pid, parent), started })
  const tree = [
    at(10, 1, '5'),
    at(30, 10, '100'),
    // Its number is lower, because numbers begin again at some time.
    at(3, 10, '101'),
    at(40, 30, '102'),
    at(41, 40, '103'),
  ]
  t.strictSame([...ownProcesses(10, false, tree)], ['30:100'])
  t.strictSame([...ownProcesses(10, true, tree)], ['30:100', '40:102', '41:103'])
  t.strictSame([...ownProcesses(99, true, tree)], [])
})

t.test('a real process is killed', async t => {
  const child = spawn('sh', ['-c', 'echo; sleep 300 & wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  t.ok(ownProcesses(process.pid, false).size === 1)
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
