import { clientEnvironment } from '../config/client-environment.ts'
import { userEnvironment } from '../config/environment.ts'
import { loadSettings } from '../config/load-settings.ts'
import { cacheRoot, checkoutRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import type { DockerClient } from '../docker/client.ts'
import { machineVersions } from '../docker/client-find.ts'
import { rememberedClient } from '../docker/client-memory.ts'
import { createEngine, type Engine } from '../docker/engine.ts'
import { type FoundEngine, findEngine } from '../docker/engine-find.ts'
import { judgeRequirements } from '../docker/requirements.ts'
import { UserError } from '../errors.ts'
import type { Log } from '../log.ts'
import { terminalLine } from '../terminal-text.ts'
import type { Invocation } from './program.ts'
import { createReport } from './report.ts'

/** What commands that only look work with. */
export type EngineContext = {
  root: string
  settings: Settings
  engine: Engine
  found: FoundEngine
  log: Log
  signal: AbortSignal
}

/** What commands that change a stack work with. */
export type Context = EngineContext & { docker: DockerClient; engineMajor: number }

export async function openEngine(invocation: Invocation): Promise<EngineContext> {
  const root = checkoutRoot()
  const log = createReport({ verbose: invocation.verbose })
  const [settings, search] = await Promise.all([loadSettings(root), findEngine(userEnvironment())])
  if (!search.found) throw noEngine(search.tried)
  const { found } = search
  return {
    root,
    settings,
    engine: createEngine(found.address),
    found,
    log,
    signal: invocation.signal,
  }
}

/** Refuses an engine or client that would not hold what is promised. */
export async function openContext(invocation: Invocation): Promise<Context> {
  const context = await openEngine(invocation)
  const { found } = context
  const env = clientEnvironment(found.dockerHost, userEnvironment())
  const client = await rememberedClient(env, cacheRoot())
  const refusals = judgeRequirements(machineVersions(found, client)).filter(
    ({ severity }) => severity === 'refusal',
  )
  const engine = refusals.find(({ id }) => id === 'engine')
  if (engine) throw new UserError(engine.message, { hint: engine.hint })
  // Before its plugins: without the program all of them are missing, and none is the reason.
  if (!client) {
    throw new UserError('there is no docker program in PATH', {
      hint: 'run ./claude.ts setup, which installs what is needed',
    })
  }
  const [refusal] = refusals
  if (refusal) throw new UserError(refusal.message, { hint: refusal.hint })
  return {
    ...context,
    docker: { kind: found.kind, file: client.file, env },
    engineMajor: Number.parseInt(found.version, 10),
  }
}

/** An engine that is there and refuses us is another problem than none. */
function noEngine(tried: readonly { where: string; reason: string }[]) {
  const denied = tried.find(({ reason }) => reason.includes('EACCES'))
  if (denied) {
    return new UserError(
      `the container engine at ${terminalLine(denied.where)} refuses ${userName()}`,
      {
        hint: 'add yourself to the docker group and log in again, or run with sudo',
      },
    )
  }
  const first = tried.find(({ reason }) => !reason.includes('ENOENT')) ?? tried[0]
  return new UserError(
    `no container engine answers${first ? ` at ${terminalLine(first.where)}` : ''}`,
    {
      hint: 'run ./claude.ts setup, which installs or starts it',
      cause: new Error(tried.map(({ where, reason }) => `${where}: ${reason}`).join('\n')),
    },
  )
}

function userName() {
  return `this user (uid ${process.getuid?.() ?? '?'})`
}
