import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { clientEnvironment, userEnvironment } from '../config/environment.ts'
import { loadSettings } from '../config/load-settings.ts'
import { cacheRoot, checkoutRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import { type DockerClient, machineVersions } from '../engine/client-find.ts'
import { rememberedClient } from '../engine/client-memory.ts'
import { judgeRequirements } from '../machine/requirements.ts'
import { type Caller, type EngineContext, openEngine } from './engine-context.ts'

/** The context of commands that change a stack. */
export type Context = EngineContext & {
  settings: Settings
  docker: DockerClient
  engineMajor: number
}

/** Opens the context; refuses an engine or client that cannot enforce the guarantees. */
export async function openContext(caller: Caller): Promise<Context> {
  // Settings first: a mistake in .env is reported before any problem of the engine.
  const settings = await loadSettings(checkoutRoot())
  const context = await openEngine(caller)
  const { found } = context
  const env = clientEnvironment(found.dockerHost, userEnvironment())
  const client = await rememberedClient(env, cacheRoot())
  const refusals = judgeRequirements(machineVersions(found, client)).filter(
    ({ severity }) => severity === 'refusal',
  )
  const engine = refusals.find(({ id }) => id === 'engine')
  if (engine) throw new UserError(engine.message, { hint: engine.hint })
  // Checked before the plugins: without the client all of them are missing, and none is the cause.
  if (!client) {
    throw new UserError('there is no docker program in PATH', {
      hint: `run ${command('setup')} to install it`,
    })
  }
  const [refusal] = refusals
  if (refusal) throw new UserError(refusal.message, { hint: refusal.hint })
  return {
    ...context,
    settings,
    docker: { kind: found.kind, file: client.file, env },
    engineMajor: Number.parseInt(found.version, 10),
  }
}
