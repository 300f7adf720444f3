import { command } from '../../base/command.ts'
import { messageOf, UserError } from '../../base/errors.ts'
import { step } from '../../base/log.ts'
import { lastLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { modesOf, type ServerMode } from '../../config/server-modes.ts'
import { defaultTenant } from '../../config/tenants.ts'
import { compose } from '../../engine/compose.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { exec, execOk } from '../../process/exec.ts'
import { runsInProgress } from '../../stack/activity.ts'
import { type CredentialMode, credentialMode } from '../../stack/credential.ts'
import { closeHostSide } from '../../stack/host-side.ts'
import { inspectStack, isUp, type StackState } from '../../stack/inspect.ts'
import { composeLabels } from '../../stack/labels.ts'
import { renderServerFile } from '../../stack/server/server-file.ts'
import {
  networksOfServer,
  type ServerStack,
  serverProject,
  serverVolumes,
  servicesOfServer,
} from '../../stack/server/server-stack.ts'
import { tenantParts } from '../../stack/services.ts'
import { explainFailure, hasFailed } from '../../stack/start-services.ts'
import { permitStart } from '../../stack/state/filter-file.ts'
import { withLock } from '../../stack/state/lock.ts'
import { forgetSecretsIfGone, stopStack } from '../../stack/stop.ts'
import { createNamedVolumes, refuseOtherNetworks } from '../../stack/volumes.ts'
import { waitUntilHealthy } from '../../stack/wait-healthy.ts'
import type { Context } from '../context.ts'
import { ensureImages } from '../images.ts'
import { checkConfiguration } from '../start/check-configuration.ts'
import { changedServices } from './changed-services.ts'
import { openServer } from './open-server.ts'
import { findServer, serverIdentity } from './server-context.ts'
import type { TokenPlace } from './stored-tokens.ts'
import { readTenants } from './tenants-file.ts'

export type ServeUpOptions = {
  name?: string
  /** Uses the scripted model in place of Anthropic's API. */
  rehearsal?: boolean
  /** Serves without a token, on a loopback address only. */
  withoutToken?: boolean
  /** What the server does; as SERVER_MODES says without it. */
  modes?: readonly ServerMode[]
  /** Asks for the token of the Telegram bot; null without an answer. */
  askBotToken?: () => Promise<string | null>
  /** Ends runs that are in progress, if something has changed. */
  force?: boolean
}

export type ServedStack = {
  outcome: 'started' | 'changed' | 'running'
  /** Services whose containers were made. */
  changed: string[]
  /** Null without the API. */
  url: string | null
  modes: readonly ServerMode[]
  place: TokenPlace
  tenants: string[]
  workspaces: string
  mode: CredentialMode
}

const up = ['up', '--detach', '--pull', 'never', '--no-build']

/** Brings the server's stack up, or makes it what the settings and tenants.yaml say. */
export async function serveUp(context: Context, options: ServeUpOptions): Promise<ServedStack> {
  const { settings, root, log, signal, engine, docker } = context
  const identity = serverIdentity(options.name)
  const tenants = await readTenants(settings)
  const mode = options.rehearsal ? 'rehearsal' : serverMode(context)
  if (options.withoutToken && settings.API_TOKEN !== undefined) {
    throw new UserError('--no-auth contradicts API_TOKEN', {
      hint: 'omit --no-auth, or remove API_TOKEN from .env',
      exitCode: 2,
    })
  }
  await checkConfiguration(settings, { root, stack: identity.name }, mode)
  return withLock(identity.name, { log, signal }, async () => {
    const images = await ensureImages({ ...context, client: docker, network: userEnvironment() })
    const before = await findServer(context, identity)
    try {
      const { withoutToken = false, modes = modesOf(settings.SERVER_MODES) } = options
      const opened = await openServer(context, {
        ...{ identity, mode, modes, tenants, images, withoutToken },
        running: before,
        askBotToken: options.askBotToken ?? (async () => null),
      })
      const changed = await bringUp(context, opened.stack, before, options.force ?? false)
      return {
        outcome: changed.length === 0 ? 'running' : before ? 'changed' : 'started',
        changed,
        url: modes.includes('api') ? urlOf(opened.stack) : null,
        modes,
        place: opened.place,
        tenants: tenants.map(({ name }) => name),
        workspaces: opened.stack.workspaces,
        mode,
      }
    } catch (error) {
      // The reason of the failure matters more.
      await forgetSecretsIfGone(engine, identity.name).catch(() => {})
      throw error
    }
  })
}

/** Returns how the gateway authenticates. A server has no terminal to log in from. */
function serverMode({ settings }: Pick<Context, 'settings'>): CredentialMode {
  const mode = credentialMode(settings)
  if (mode !== 'login') return mode
  throw new UserError('a server needs a credential of the model, and .env has none', {
    hint: `set ANTHROPIC_API_KEY in .env, or try ${command('serve up --rehearsal')}, which needs no account`,
  })
}

function urlOf({ bind: { address, port } }: ServerStack): string {
  return `http://${address === '0.0.0.0' ? '127.0.0.1' : address}:${port}`
}

/** Returns the services whose containers were made or removed; none when everything runs as it should. */
async function bringUp(
  context: Context,
  stack: ServerStack,
  before: StackState | null,
  force: boolean,
): Promise<string[]> {
  const { engine, docker, log, signal } = context
  const { identity } = stack
  const project = serverProject(stack)
  const wanted = servicesOfServer(stack)
  await replaceFile(stack.state.override, await renderServerFile(stack))
  const side = {
    ...{ identity: stack.identity, state: stack.state, settings: stack.settings, project },
    images: { proxy: stack.images.proxy },
  }
  const changed = await changedServices(context, project, wanted)
  if (changed.length === 0 && before && isUp(before, wanted)) {
    await closeHostSide(context, side, { running: true })
    return []
  }
  if (changed.length > 0 && !force) await refuseRuns(context, stack)
  await refuseOtherNetworks(engine, stack.identity)
  await createNamedVolumes({ engine, docker, signal }, stack.identity, serverVolumes(stack))
  await permitStart(stack.state)
  try {
    await step(log, `starting ${wanted.join(', ')}`, async () => {
      await removeStale(context, before, wanted)
      const args = [...up, '--remove-orphans', ...wanted]
      await compose(docker, project, args, { timeout: 240_000, signal })
      await waitUntilHealthy(engine, identity.name, wanted, { signal })
    })
    await closeHostSide(context, side, { running: false })
  } catch (error) {
    const taken = portInUse(error, stack)
    const explained = taken ?? (await explainFailure(engine, identity.name, error, 'serve logs'))
    if (!before) await undo(context, identity.name, taken !== null).catch(() => {})
    throw explained
  }
  await removeOldNetworks(context, stack)
  return changed.length > 0 ? changed : wanted
}

/**
 * Removes containers that `up` would leave: of services that are no longer wanted, those that lost a network, which
 * Compose does not notice, and those that ended at each attempt, which the engine repeats after up to a minute.
 */
async function removeStale(
  { docker, signal }: Pick<Context, 'docker' | 'signal'>,
  before: StackState | null,
  wanted: readonly string[],
) {
  const stale = (before?.services ?? [])
    .filter(
      ({ name, connected, state }) =>
        !wanted.includes(name) || !connected || state === 'restarting',
    )
    .map(({ container }) => container)
  if (stale.length === 0) return
  const options = { env: docker.env, signal, timeout: 60_000 }
  await exec(docker.file, ['stop', '--time', '15', ...stale], options)
  await execOk(docker.file, ['rm', '--force', ...stale], options)
}

/** Undoes the failed start of a new server. A service that ran and failed stays for `serve logs`. */
async function undo({ engine, docker, signal }: Context, name: string, isExplained: boolean) {
  const state = await inspectStack(engine, name)
  if (!isExplained && !signal.aborted && state?.services.some(hasFailed)) return
  await stopStack(docker, name, { log: () => {} })
}

/** Returns the error for a port that another program has; null for any other failure. */
export function portInUse(error: unknown, { bind }: Pick<ServerStack, 'bind'>): UserError | null {
  if (!/port is already allocated|address already in use/.test(messageOf(error))) return null
  return new UserError(`SERVER_PORT=${bind.port} is in use on ${bind.address}`, {
    hint: 'stop the program that has that port, or set another SERVER_PORT in .env',
    cause: error,
  })
}

/** Refuses to end runs in progress. */
async function refuseRuns({ engine }: Pick<Context, 'engine'>, { identity }: ServerStack) {
  const runs = (await runsInProgress(engine, [identity.name])).get(identity.name) ?? []
  if (runs.length === 0) return
  const count = runs.length === 1 ? '1 run is' : `${runs.length} runs are`
  throw new UserError(`${count} in progress, and the change would end them`, {
    hint: `wait until they end, or run ${command('serve up --force')}`,
  })
}

/** Removes the networks of tenants that are no longer listed: an engine has only few. */
async function removeOldNetworks({ engine, docker, log }: Context, stack: ServerStack) {
  const { name } = stack.identity
  const keep = new Set(networksOfServer(stack).map(network => `${name}_${network}`))
  const main = `${name}_${tenantParts(defaultTenant).network}`
  const networks = await engine.networks([`${composeLabels.project}=${name}`])
  for (const { Name, Id } of networks) {
    if (keep.has(Name) || Name === main || !Name.startsWith(`${name}_tenant-`)) continue
    const { code, stderr } = await exec(docker.file, ['network', 'rm', Id], { env: docker.env })
    if (code !== 0) log({ kind: 'warn', text: `kept the network ${Name}: ${lastLine(stderr)}` })
  }
}
