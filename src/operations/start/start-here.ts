import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { userEnvironment } from '../../config/environment.ts'
import { serviceOf } from '../../stack/inspect.ts'
import { type AgentService, agentServices, serviceOfRuns } from '../../stack/services.ts'
import { type Caller, type Context, openContext } from '../context.ts'
import { runningAgent } from '../find-stacks.ts'
import type { RememberedService, StackAgent } from '../remembered-stack/memory.ts'
import { recordStart } from '../remembered-stack/record.ts'
import { workspaceHere } from '../workspace-here.ts'
import type { CopyOptions } from './copy-in.ts'
import { refuseMissingVariables } from './refuse-missing-variables.ts'
import { bringUp } from './start-effects.ts'
import type { StartedStack } from './start-workflow.ts'

/**
 * Starts the stack of the current folder with `service` in it, and stores the outcome for the next
 * command.
 */
export async function startHere(
  service: RememberedService,
  caller: Caller,
  options: CopyOptions & {
    copy?: boolean
    /** With `claude`: also start the worker. */
    worker?: boolean
  },
): Promise<StartedStack & { context: Context; agent: StackAgent }> {
  const record = await recordStart(service)
  const context = await openContext(caller)
  record.settingsLoaded(context.settings)
  const opened = await workspaceHere(context, {
    copy: options.copy ?? false,
    mount: options.mount ?? false,
  })
  const agents: readonly AgentService[] = options.worker ? agentServices : [service]
  const started = await bringUp(context, opened, { ...options, agents })
  const { state, outcome, stack } = started
  if (outcome === 'outdated' && !serviceOf(state, service)) throw withoutService(service)
  const agent = {
    ...runningAgent(context, state, service),
    stack: state.stack,
    workspace: opened.workspace.path,
  }
  if (outcome === 'outdated' && service === serviceOfRuns) {
    await refuseMissingVariables(context.engine, agent, userEnvironment())
  }
  // A run does not wait for an unanswered question; the next session asks it again.
  const asked = service === serviceOfRuns || !stack.additions?.unanswered
  if (outcome !== 'outdated' && asked) {
    await record.finish({ ...agent, fingerprint: state.fingerprint })
  }
  return { ...started, context, agent }
}

function withoutService(service: RememberedService) {
  return new UserError(
    `the stack keeps its older settings while a session is open, and has no ${service}`,
    { hint: `end the session, run ${command('stop')}, then run this command again` },
  )
}
