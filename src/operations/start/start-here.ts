import * as z from 'zod'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { customPrefixes } from '../../config/setting-names.ts'
import type { Engine } from '../../engine/engine.ts'
import { type RunningAgent, serviceOf } from '../../stack/inspect.ts'
import { type AgentService, agentServices, serviceOfRuns } from '../../stack/services.ts'
import { type Caller, type Context, openContext } from '../context.ts'
import { runningAgent } from '../find-stacks.ts'
import type { RememberedService, StackAgent } from '../remembered-stack/memory.ts'
import { recordStart } from '../remembered-stack/record.ts'
import { workspaceHere } from '../workspace-here.ts'
import type { CopyOptions } from './copy-in.ts'
import { bringUp } from './start-effects.ts'
import type { StartedStack } from './start-workflow.ts'

const Container = z.object({ Config: z.object({ Env: z.array(z.string()).nullish() }) })

/**
 * Rejects a run whose `CLAUDE_ENV_X` did not reach its container, because the stack is in use and keeps its
 * older settings: the run would do its work without the variable. Names no value.
 *
 * @param env the environment of the command
 */
export async function refuseMissingVariables(
  engine: Pick<Engine, 'inspect'>,
  { container }: Pick<RunningAgent, 'container'>,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const prefix = customPrefixes.environment
  const wanted = Object.entries(env).filter(
    ([name, value]) => value && name.startsWith(prefix) && name.length > prefix.length,
  )
  if (wanted.length === 0) return
  const found = Container.parse(
    await engine.inspect(`/containers/${encodeURIComponent(container)}/json`),
  )
  const present = new Set(found.Config.Env)
  const missing = wanted
    .filter(([name, value]) => !present.has(`${name.slice(prefix.length)}=${value}`))
    .map(([name]) => terminalLine(name, 60))
  if (missing.length === 0) return
  const names = missing.sort().join(', ')
  throw new UserError(`${names} cannot reach this run: the stack is in use with other settings`, {
    hint: `end the session or the run that uses it, or run ${command('stop')}, then run this command again`,
  })
}

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
