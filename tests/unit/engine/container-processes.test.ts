import t, { type Test } from 'tap'
import { containerProcesses, readHostProcesses } from '../../../src/engine/container-processes.ts'

const [one, two, elsewhere] = ['1'.repeat(64), '2'.repeat(64), '3'.repeat(64)]

/** A process that started 250 s after the machine did. The name of it is as hostile as can be. */
const process = (cgroup: string, command: string[]) => ({
  cgroup,
  cmdline: `${command.join('\0')}\0`,
  stat: `7 (a) R 9 (x) S ${Array.from({ length: 18 }, () => '0').join(' ')} 25000 0 0\n`,
})

const proc = (test: Test) =>
  test.testdir({
    stat: 'cpu  1 2 3\nbtime 1700000000\nprocesses 9\n',
    '7': process(`4:memory:/docker/${one}\n0::/\n`, ['claude', '--continue']),
    '8': process(`0::/system.slice/docker-${two}.scope\n`, ['sleep', 'infinity']),
    '9': process(`0::/libpod-${two}.scope/container/inner\n`, ['claude']),
    '10': process(`0::/docker/${'9'.repeat(64)}\n`, ['claude']),
    '11': process('0::/user.slice\n', ['claude']),
    '12': { cgroup: `0::/docker/${one}\n` },
    self: {},
  })

t.test('processes are assigned by their control group, under any cgroup manager', async t => {
  const found = readHostProcesses([one, two, elsewhere], proc(t))
  const since = 1_700_000_250_000
  t.same(found.get(one), [{ command: 'claude --continue', since }])
  t.same(
    found
      .get(two)
      ?.map(({ command }) => command)
      .sort(),
    ['claude', 'sleep infinity'],
  )
  t.notOk(found.has(elsewhere))
})

t.test('the engine is asked only about containers without visible processes', async t => {
  const asked: string[] = []
  const engine = {
    processesWithAge: async (id: string) => {
      asked.push(id)
      return [{ command: 'claude', seconds: 60 }]
    },
  }
  const before = Date.now()
  const found = await containerProcesses(engine, [one, elsewhere], proc(t))
  t.same(asked, [elsewhere])
  const [process] = found.get(elsewhere) ?? []
  t.equal(process?.command, 'claude')
  t.ok((process?.since ?? 0) >= before - 60_000)
  t.ok((process?.since ?? 0) <= Date.now() - 60_000)
})

t.test('without /proc, or without an answer of the engine, there are no processes', async t => {
  const engine = {
    processesWithAge: async () => {
      throw new Error('gone')
    },
  }
  const found = await containerProcesses(engine, [one, two], '/nowhere')
  t.equal(found.size, 0)
})
