import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { type Log, step } from '../base/log.ts'
import { clientEnvironment } from '../config/environment.ts'
import type { Settings } from '../config/settings.ts'
import { createEngine } from '../engine/engine.ts'
import { type DockerClient, findClient, machineVersions } from '../engine/find-client.ts'
import {
  type EngineSearch,
  engineParts,
  type FoundEngine,
  findEngine,
} from '../engine/find-engine.ts'
import type { ImageSet } from '../images/image-tags.ts'
import { type Pins, readPins } from '../images/pins.ts'
import { findDebianMirror } from '../machine/debian-mirror.ts'
import {
  type InstallPlan,
  install,
  installCommands,
  planInstall,
  readOsRelease,
} from '../machine/engine-install.ts'
import { findInitSystem, startCommands, startEngine } from '../machine/engine-start.ts'
import { judgeRequirements } from '../machine/requirements.ts'
import { exec } from '../process/exec.ts'
import type { Confirm } from './context.ts'
import { ensureImages, findMissingImages } from './images.ts'

export type SetupOptions = {
  /** Installs packages without confirmation. */
  yes: boolean
  /** Reports the steps and changes nothing. */
  dryRun: boolean
  log: Log
  settings: Settings
  root: string
  /** The user's environment: address of the engine, proxies, certificate authorities. */
  env: NodeJS.ProcessEnv
  /** Asks before packages are installed. */
  confirm: Confirm
  signal: AbortSignal
}

export type SetupResult = { engine: FoundEngine; client: DockerClient; images: ImageSet }

/**
 * Prepares the machine: engine, plugins, base image, all images. Idempotent: does only the missing steps.
 * Null after a dry run on a machine that is not ready.
 */
export async function runSetup(options: SetupOptions): Promise<SetupResult | null> {
  const { dryRun, log, settings, root, env, signal } = options
  const pins = await readPins(root)
  const uid = process.getuid?.() ?? 0

  const plan = await missingPackages(options, pins)
  if (plan) {
    if (dryRun) showPlan(plan, log)
    else await installPackages(plan, uid, options)
  }
  const search = await findEngine(env, uid)
  if (!search.found && dryRun) {
    for (const { command: start } of startCommands(await findInitSystem())) {
      log({ kind: 'info', text: `would run: ${[start.file, ...start.args].join(' ')}` })
    }
    log({ kind: 'info', text: 'would build all images' })
    return null
  }
  const engine = search.found ?? (await start(uid, env, log, signal))
  if (dryRun && plan) return null
  const client = await readyClient(engine, log)

  const images = {
    root,
    settings,
    engine: createEngine(engine.address),
    client,
    network: env,
    log,
    signal,
  }
  const { tags, missing } = await findMissingImages({ ...images, pins })
  if (missing.length === 0) log({ kind: 'info', text: 'all images exist' })
  if (dryRun) {
    for (const name of missing) log({ kind: 'info', text: `would build ${tags[name]}` })
    return { engine, client, images: tags }
  }
  return { engine, client, images: await ensureImages(images) }
}

/** Returns the packages to install; null when none is missing. */
async function missingPackages(options: SetupOptions, pins: Pins): Promise<InstallPlan | null> {
  const { settings, env, signal } = options
  const search = await findEngine(env)
  const client = await findClient(clientEnvironment('', env))
  const versions = machineVersions(search.found, client)
  const judged = judgeRequirements({
    ...versions,
    // An engine that is installed but not running only needs to be started.
    engine: versions.engine ?? (await installedEngine(signal)),
  })
  const engine = judged.some(({ severity }) => severity === 'refusal')
  const bootstrap =
    !settings.BASE_IMAGE && !pins.debian.digest && !(await answers('mmdebstrap', signal))
  if (!engine && !bootstrap) return null
  const { suite } = pins.debian
  const mirror = await findDebianMirror({ suite, mirror: settings.DEBIAN_MIRROR, signal })
  const packages = mirror.kind === 'configured' ? mirror.packages : null
  return planInstall(await readOsRelease(), { engine, bootstrap }, packages)
}

async function installedEngine(signal: AbortSignal) {
  const result = await exec('dockerd', ['--version'], { signal }).catch(() => null)
  const version = /version (\S+?),?\s/.exec(result?.stdout ?? '')?.[1]
  return version ? { kind: 'docker' as const, version } : null
}

async function answers(file: string, signal: AbortSignal) {
  const result = await exec(file, ['--version'], { signal }).catch(() => null)
  return result?.code === 0
}

function showPlan(plan: InstallPlan, log: Log) {
  for (const { file, args } of installCommands(plan)) {
    log({ kind: 'info', text: `would run: ${[file, ...args].join(' ')}` })
  }
}

async function installPackages(plan: InstallPlan, uid: number, options: SetupOptions) {
  const { yes, confirm, log, signal } = options
  const from = plan.newerRelease ? ` (Docker from Debian ${plan.newerRelease.suite})` : ''
  const question = `Install ${plan.packages.join(' ')}${from}?`
  if (!yes && !(await confirm(question))) {
    throw new UserError('nothing was installed', {
      hint: `install these packages yourself, or run ${command('setup --yes')}`,
    })
  }
  await step(log, 'packages', progress => install(plan, { uid, progress, signal }))
}

async function start(uid: number, env: NodeJS.ProcessEnv, log: Log, signal: AbortSignal) {
  const init = await findInitSystem()
  const find = (): Promise<EngineSearch> => findEngine(env, uid)
  return step(log, 'engine', progress => startEngine({ uid, init, find, progress, signal }))
}

/** Returns the client of a running engine; throws the reason when this machine is unsuitable. */
export async function readyClient(engine: FoundEngine, log: Log): Promise<DockerClient> {
  const environment = clientEnvironment(engine.dockerHost)
  const client = await findClient(environment)
  const findings = judgeRequirements(machineVersions(engine, client, await engineParts(engine)))
  const refusal = findings.find(({ severity }) => severity === 'refusal')
  if (refusal) throw new UserError(refusal.message, { hint: refusal.hint })
  for (const { severity, message, hint } of findings) {
    if (severity === 'warning') log({ kind: 'warn', text: `${message}; ${hint}` })
  }
  if (!client)
    throw new UserError('docker is not in PATH', {
      hint: `run ${command('setup')} to install it`,
    })
  return { kind: engine.kind, file: client.file, env: environment }
}
