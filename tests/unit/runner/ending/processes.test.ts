import t from 'tap'
import {
  countProcesses,
  descendantsOf,
  identityOf,
  isAlive,
  parseProcessStat,
  readProcesses,
} from '../../../../src/runner/ending/processes.ts'

const after = (started: string) => `0 ${'0 '.repeat(16)}${started} 0 0`
const entry = (pid: number, parent: number, state = 'S') => ({
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

t.test('only processes are counted, not other entries of the folder', async t => {
  const folder = t.testdir({ 1: {}, 22: {}, self: {}, '3x': {} })
  t.equal(countProcesses(folder), 2)
})
