import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { type RunningAgent, type StackState, serviceOf } from '../stack/inspect.ts'
import { type AgentService, serviceOfSessions } from '../stack/services.ts'
import type { EngineContext } from './context.ts'

/** Returns the agent of an inspected stack; throws when its container is not running. */
export function runningAgent(
  { engine }: Pick<EngineContext, 'engine'>,
  state: StackState,
  service: AgentService = serviceOfSessions,
): RunningAgent {
  const agent = serviceOf(state, service)
  if (agent?.state === 'running') return { address: engine.address, container: agent.container }
  throw new UserError(`the ${service} container of ${state.stack} is not running`, {
    hint: `run ${command(service === serviceOfSessions ? 'start' : 'start --worker')}`,
  })
}
