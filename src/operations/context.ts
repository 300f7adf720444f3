import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { clientEnvironment, userEnvironment } from '../config/environment.ts'
import { cacheRoot, checkoutRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import { createEngine, type Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { type FoundEngine, findEngine } from '../engine/find-engine.ts'

/**
 * Asks a person to confirm; false when declined. `option` is the flag that confirms without a terminal;
 * `byDefault` is the answer of an empty line, yes unless given.
 */
export type Confirm = (
  question: string,
  option?: string,
  settings?: { byDefault?: boolean },
) => Promise<boolean>

/** The caller of an operation: receives its progress, and can abort it. */
export type Caller = {
  log: Log
  signal: AbortSignal
  confirm: Confirm
  /** Whether a person can answer; `confirm` throws otherwise. */
  canAsk: boolean
  /** How the user calls claude-secure: containers of the stack name commands like this. */
  calledAs?: string
}

/** The context of read-only commands. */
export type EngineContext = Caller & {
  root: string
  engine: Engine
  found: FoundEngine
}

/**
 * Opens the context of read-only commands.
 *
 * @param meet called with the engine before it says its version, so that the first questions need not wait for that
 */
export async function openEngine(
  caller: Caller,
  meet?: (engine: Engine) => void,
): Promise<EngineContext> {
  const root = checkoutRoot()
  const search = await findEngine(userEnvironment(), process.getuid?.() ?? 0, meet)
  if (!search.found) throw noEngine(search.tried)
  const { found } = search
  return {
    root,
    engine: createEngine(found.address),
    found,
    log: caller.log,
    signal: caller.signal,
    confirm: caller.confirm,
    canAsk: caller.canAsk,
    ...(caller.calledAs !== undefined && { calledAs: caller.calledAs }),
  }
}

/** The context of commands that change a stack. */
export type Context = EngineContext & {
  settings: Settings
  docker: DockerClient
  engineMajor: number
}

/**
 * Opens the context with the settings that hold in a folder, or without it those of the checkout. Refuses an
 * engine or client that cannot enforce the guarantees.
 */
export async function openContext(
  caller: Caller,
  folder: string | null = process.cwd(),
): Promise<Context> {
  // Loaded on demand: `status` and `list` open only the engine, and the schema of settings takes 4 ms.
  const [{ loadSettings }, { machineVersions }, { rememberedClient }, { judgeRequirements }] =
    await Promise.all([
      import('../config/load-settings.ts'),
      import('../engine/find-client.ts'),
      import('../engine/remembered-client.ts'),
      import('../machine/requirements.ts'),
    ])
  // Settings first: a mistake in .env is reported before any problem of the engine.
  const { folderSettingsPath } = await import('../stack/state/owner.ts')
  const here = folder === null ? null : await folderSettingsPath(folder)
  const settings = await loadSettings(checkoutRoot(), undefined, here)
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
    throw new UserError('docker is not in PATH', {
      hint: `run ${command('setup')} to install it`,
    })
  }
  const [refusal] = refusals
  if (refusal) throw new UserError(refusal.message, { hint: refusal.hint })
  return {
    ...context,
    settings,
    docker: { kind: found.kind, file: client.file, composeFile: client.composeFile, env },
    engineMajor: Number.parseInt(found.version, 10),
  }
}

/** Returns the error for an engine that denies access, or for no engine: two different problems. */
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
      hint: userEnvironment().DOCKER_HOST
        ? `fix or unset DOCKER_HOST, or run ${command('setup')} to install or start an engine`
        : `run ${command('setup')} to install or start one`,
      cause: new Error(tried.map(({ where, reason }) => `${where}: ${reason}`).join('\n')),
    },
  )
}

function userName() {
  return `this user (uid ${process.getuid?.() ?? '?'})`
}
