import t from 'tap'
import { fromEachWorker } from '../../../src/audit/from-each-worker.ts'
import { check, type Probe } from '../../../src/audit/probe.ts'
import type { Scene } from '../../../src/audit/scene.ts'

const attackerIn = (name: string) => ({ container: name }) as unknown as Scene['agent']
const sceneOf = (...agents: string[]) =>
  ({ agents, attackerIn, agent: attackerIn(agents[0] ?? '') }) as unknown as Scene

const probe: Probe = {
  id: 'X1',
  title: 'title',
  attack: 'attack',
  standards: [],
  run: async ({ agent, agents }) => [
    check('nothing gets out', agent.container !== 'worker-b', `tried in ${agent.container}`),
    check('agents are known', agents.length > 0, 'as the engine reports'),
  ],
}

t.test('an attack that one worker alone stops is open', async t => {
  const checks = await fromEachWorker(probe).run(sceneOf('worker-a', 'worker-b', 'worker-c'))
  t.same(
    checks.map(({ claim, verdict }) => `${verdict}: ${claim}`),
    [
      'held: nothing gets out',
      'held: agents are known',
      'open: nothing gets out, from worker-b',
      'held: agents are known, from worker-b',
      'held: nothing gets out, from worker-c',
      'held: agents are known, from worker-c',
    ],
  )
  t.equal(new Set(checks.map(({ claim }) => claim)).size, checks.length, 'each claim once')
})

t.test('one worker is attacked once', async t => {
  t.equal((await fromEachWorker(probe).run(sceneOf('worker-a'))).length, 2)
})
