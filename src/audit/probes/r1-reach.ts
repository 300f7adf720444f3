import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'
import { judgeReach } from './r1-judge.ts'
import { sessionChecks } from './r1-session.ts'

/** The attacks of inside/reach.py, by what each claim says of them. */
const claims: readonly (readonly [claim: string, attacks: readonly string[]])[] = [
  ['a run cannot change the limits of another process', ['limits']],
  [
    'a run cannot trace or signal what ends it, or take its descriptors',
    ['descriptors', 'memory', 'trace', 'signals'],
  ],
  ['a run cannot slow down what ends it', ['priority', 'processors', 'policy']],
]

/** A run has the user of the programs that end it. */
export const reach: Probe = {
  id: 'R1',
  title: 'reach over what ends a run or keeps a session',
  attack:
    'change limits, priority, processors and memory of the programs that end a run or keep a session, signal them, and open their terminals',
  standards: [],
  async run(scene) {
    const program = await readFile(join(scene.root, 'src/audit/inside/reach.py'), 'utf8')
    const judged = await Promise.all(scene.agents.map(service => attackIn(scene, service, program)))
    return [...judged.flat(), ...(await sessionChecks(scene, program))]
  },
}

/** Runs the attack as Claude Code is run: below a reaper, which reports to descriptor 3. */
async function attackIn(scene: Scene, service: string, program: string): Promise<Check[]> {
  const script = 'claude-secure-reaper python3 -c "$1" 3> /dev/null; true'
  const attacked = scene.inside(service, ['sh', '-c', script, 'sh', program])
  return Promise.all(
    claims.map(([claim, attacks]) => {
      const named = `${claim} in ${service}`
      return orUnknown(named, async () => judgeReach(named, attacks, (await attacked).stdout))
    }),
  )
}
