import { command } from '../base/command.ts'
import type { Engine } from '../engine/engine.ts'
import { describeStack } from '../stack/identity.ts'
import { inspectStacks, isHeldBack, isUp, type StackState } from '../stack/inspect.ts'
import { type Check, ok, problem } from './diagnosis.ts'

/** Judges the servers of this engine; nothing without one. */
export function judgeServers(states: readonly StackState[]): Check[] {
  return states.flatMap(state =>
    state.identity?.kind === 'server' ? [judge(state, describeStack(state.identity))] : [],
  )
}

function judge(state: StackState, name: string): Check {
  if (isUp(state)) return ok('server', `${name}: every service is healthy`)
  const held = state.services.filter(isHeldBack).map(service => service.name)
  if (held.length > 0) {
    return problem(
      'server',
      `${name}: ${held.join(', ')} wait until this host drops their datagrams again`,
      `run ${command('serve up')}, for example at boot`,
    )
  }
  const wrong = state.services
    .filter(
      ({ state, health, connected }) => state !== 'running' || health !== 'healthy' || !connected,
    )
    .map(service => service.name)
  return problem(
    'server',
    `${name}: ${wrong.length > 0 ? `${wrong.join(', ')} do not work` : 'a service is missing'}`,
    `run ${command('serve status')} and ${command('serve logs SERVICE')}, then ${command('serve up')}`,
  )
}

export async function checkServers(engine: Pick<Engine, 'containers'> | null): Promise<Check[]> {
  return engine ? judgeServers(await inspectStacks(engine)) : []
}
