import { parseKeeper } from '../../stack/keeper.ts'
import { serviceOfSessions } from '../../stack/services.ts'
import { type Check, open, orUnknown } from '../probe.ts'
import type { Scene } from '../scene.ts'
import { judgeReach } from './r1-judge.ts'

/** The attacks of inside/reach.py on what keeps a session, by what each claim says of them. */
const claims: readonly (readonly [claim: string, attacks: readonly string[]])[] = [
  [
    'the agent cannot trace, read or signal what keeps a session',
    ['descriptors', 'memory', 'trace', 'signals', 'environment', 'inputs'],
  ],
  [
    'the agent cannot limit or slow down what keeps a session',
    ['limits', 'priority', 'processors', 'policy', 'iopriority'],
  ],
  [
    'the agent cannot use the terminal or the folder of what keeps a session',
    ['ttyread', 'ttywrite', 'ttymode', 'private', 'names', 'moving'],
  ],
]

const folder = '/run/claude-secure-session'
const mark = 'claude-secure-audit-target'

/** Stands beside an open session, or for one: a process of its user on a terminal, and its folder. */
const target = `
umask 077;
mkdir $ARGV[0] and chmod 0711, $ARGV[0];
mkdir "$ARGV[0]/private";
alarm 30;
sleep 1 while 1`

/** A session's terminal and tmux have a user of their own, of which the agent's programs are not. */
export async function sessionChecks(scene: Scene, program: string): Promise<Check[]> {
  if (!scene.agents.includes(serviceOfSessions)) return []
  const keeper = parseKeeper(scene.stack.keeper ?? undefined)
  if (keeper === null) {
    return claims.map(([claim]) => open(claim, 'sessions have the user of the agent'))
  }
  const uid = keeper.split(':')[0] ?? ''
  const attacked = attackTarget(scene, keeper, ['python3', '-c', program, 'session', uid, folder])
  return Promise.all(
    claims.map(([claim, attacks]) =>
      orUnknown(claim, async () => judgeReach(claim, attacks, (await attacked).stdout)),
    ),
  )
}

async function attackTarget(scene: Scene, keeper: string, command: readonly string[]) {
  const asKeeper = (options: readonly string[], words: readonly string[]) =>
    scene.insideAs(keeper, options, serviceOfSessions, words)
  // Handled at once: it fails before the attack does when the audit is interrupted.
  const standing = asKeeper(['--tty'], ['perl', '-e', target, folder, mark]).catch(() => {})
  try {
    return await scene.inside(serviceOfSessions, command)
  } finally {
    await asKeeper([], ['pkill', '-f', mark]).catch(() => {})
    await standing
  }
}
