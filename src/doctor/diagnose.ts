import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { readEnvFile } from '../config/env-file.ts'
import { clientEnvironment, userEnvironment } from '../config/environment.ts'
import { parseGitRepositories } from '../config/git-repositories.ts'
import { loadSettings } from '../config/load-settings.ts'
import { cacheRoot, checkoutRoot, stateRoot } from '../config/paths.ts'
import { settingNames } from '../config/setting-names.ts'
import type { Settings } from '../config/settings.ts'
import { createEngine, type Engine, type EngineInfo } from '../engine/engine.ts'
import { type DockerClient, findClient, machineVersions } from '../engine/find-client.ts'
import { type EngineSearch, engineParts, findEngine } from '../engine/find-engine.ts'
import { staleCacheFiles } from '../images/prune.ts'
import { judgeRequirements } from '../machine/requirements.ts'
import { currentStackName } from '../operations/find-stacks.ts'
import { readPolicyLists } from '../operations/policy/policy-files.ts'
import { readAllowlist } from '../operations/policy/squid-conf.ts'
import { inspectStack } from '../stack/inspect.ts'
import { askSquid } from '../stack/policy-proxies.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { existingStacks } from '../stack/stop.ts'
import { judgeDisk, judgeSubnets, readSpace, readSubnets } from './capacity.ts'
import { judgeClock } from './clock.ts'
import {
  checkPolicyModes,
  judgeAllowlist,
  judgeGrants,
  judgeModes,
  readModes,
} from './configuration.ts'
import { findCredentials, judgeCredentials } from './credentials.ts'
import {
  attempt,
  type Check,
  type Diagnosis,
  failed,
  type Group,
  problem,
  warning,
} from './diagnosis.ts'
import { findHostCredentials, judgeHostCredentials } from './host-credentials.ts'
import { type Images, inspectImages } from './images.ts'
import { inspectInside } from './inside.ts'
import { judgeKernel } from './kernel.ts'
import { emptyStacks, judgeLeftovers, lostStates } from './leftovers.ts'
import { proveLive } from './live.ts'
import { judgeReversePath, readReversePaths } from './reverse-path.ts'
import { checkServers } from './servers.ts'

/** Runs every check, even after a failed one, so that a machine can be repaired in one go. */
export async function diagnose(): Promise<Diagnosis[]> {
  const root = checkoutRoot()
  const env = userEnvironment()
  // Runs before the settings are loaded, which removes the secrets from our environment.
  const credentials = findCredentials(await envFile(root), { ...env })
  const settings = await attempt(() => loadSettings(root))
  const search = await findEngine(env)
  const machine = await inspectMachine(search, env)
  const images = await inspectImages(machine, settings.value, root)
  const kernel = machine.info ? await judgeConfinement(machine, settings.value, images) : []
  const live = await attempt(() => prove(machine, root))
  return [
    ...grouped('engine', [
      ...(await judgeEngine(search, machine, env)),
      ...(await guarded('subnets', () => countNetworks(machine))),
    ]),
    ...grouped('kernel', [
      ...kernel,
      ...(await guarded('reverse-path', () => checkReversePath(machine.engine))),
      judgeClock({
        host: Date.now(),
        engine: timeOf(machine.info?.SystemTime),
        upstream: live.value?.upstreamDate ?? null,
        packagesOf: timeOf(images.pins?.debian.packagesOf) ?? 0,
      }),
    ]),
    ...grouped('configuration', [
      ...(settings.value
        ? judgeCredentials(settings.value, credentials)
        : [failed('settings', settings.error)]),
      ...(await guarded('credential-host', () => checkHostCredentials(settings.value))),
      ...judgeModes(await readModes(root, stateRoot())),
      ...(await checkPolicyModes(root)),
    ]),
    ...grouped('allowlist', await guarded('allowlist', () => checkPolicy(root, machine))),
    ...grouped('storage', [
      ...images.checks,
      ...(await guarded('disk', () => judgeSpace(machine.info))),
      ...(await guarded('leftovers', () => findLeftovers(machine.engine))),
    ]),
    ...grouped('live proof', await guarded('server', () => checkServers(machine.engine))),
    ...grouped(
      'live proof',
      live.value ? live.value.checks : machine.engine ? [failed('live', live.error)] : [],
    ),
  ]
}

type Machine = {
  engine: Engine | null
  client: DockerClient | null
  info: EngineInfo | null
  versions: ReturnType<typeof machineVersions>
}

async function inspectMachine(search: EngineSearch, env: NodeJS.ProcessEnv): Promise<Machine> {
  const { found } = search
  const environment = clientEnvironment(found?.dockerHost ?? '', env)
  const [client, parts, info, firewalld] = await Promise.all([
    findClient(environment),
    attempt(() => engineParts(found)),
    found ? attempt(createEngine(found.address).info) : null,
    exists('/run/firewalld'),
  ])
  return {
    engine: found && createEngine(found.address),
    client: found && client && { kind: found.kind, file: client.file, env: environment },
    info: info?.value ?? null,
    versions: { ...machineVersions(found, client, parts.value), firewalld },
  }
}

async function judgeEngine(search: EngineSearch, { versions }: Machine, env: NodeJS.ProcessEnv) {
  const checks: Check[] = judgeRequirements(versions)
  if (search.found) return checks
  // We do not start an engine that DOCKER_HOST points to.
  const startable = !env.DOCKER_HOST && (await isInstalled('dockerd', env))
  return [
    ...checks.map(check =>
      check.id === 'engine' && startable
        ? problem(
            'engine',
            'the container engine is installed but does not answer',
            `run ${command('doctor --fix')} to start it`,
            { kind: 'start-engine' },
          )
        : check,
    ),
    ...search.tried.map(({ where, reason }) => warning('engine-socket', `${where}: ${reason}`, '')),
  ]
}

async function checkHostCredentials(settings: Settings | null): Promise<Check[]> {
  const repositories = parseGitRepositories(settings?.GIT_REPOSITORIES) ?? []
  return judgeHostCredentials(await findHostCredentials(repositories), repositories)
}

/** Podman is not checked: its address pools do not run out. */
async function countNetworks({ engine, client, info }: Machine): Promise<Check[]> {
  if (!engine || !info || client?.kind === 'podman') return []
  return judgeSubnets(await readSubnets(engine, info.DefaultAddressPools ?? null))
}

async function checkReversePath(engine: Engine | null): Promise<Check[]> {
  return engine ? judgeReversePath(await readReversePaths(engine)) : []
}

async function isInstalled(program: string, env: NodeJS.ProcessEnv) {
  const folders = [...(env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin'].filter(Boolean)
  const found = await Promise.all(folders.map(folder => exists(join(folder, program))))
  return found.includes(true)
}

async function judgeConfinement(
  { info, client }: Machine,
  settings: Settings | null,
  { claude }: Images,
): Promise<Check[]> {
  if (!info) return []
  if (!client) return judgeKernel(info, 'no client')
  if (!claude) return judgeKernel(info, 'no image')
  const inside = await attempt(() => inspectInside(client, claude, settings?.RUNTIME))
  return inside.value
    ? judgeKernel(info, inside.value)
    : [...judgeKernel(info, 'failed'), failed('inside', inside.error)]
}

async function checkPolicy(root: string, { engine, client }: Machine): Promise<Check[]> {
  const path = join(root, 'proxy/squid.conf')
  const text = await readFile(path, 'utf8')
  const squid = engine && client ? await askSquid({ engine, docker: client }, root, text) : null
  return [
    ...judgeAllowlist(text, path, squid),
    ...judgeGrants(readPolicyLists(root, stateFolder(await currentStackName()))),
  ]
}

async function judgeSpace(info: EngineInfo | null): Promise<Check[]> {
  return judgeDisk(
    await Promise.all([
      ...(info?.DockerRootDir ? [readSpace('images', info.DockerRootDir)] : []),
      readSpace('stacks', stateRoot()),
      readSpace('downloads', cacheRoot()),
    ]),
  )
}

async function findLeftovers(engine: Engine | null): Promise<Check[]> {
  const cache = await staleCacheFiles(cacheRoot())
  const ofStacks = engine && (await attempt(() => leftoversOfStacks(engine)))
  const { states, networks } = ofStacks?.value ?? { states: [], networks: [] }
  return [
    ...judgeLeftovers({ states, networks, cache }),
    ...(ofStacks && !ofStacks.value ? [failed('leftovers', ofStacks.error)] : []),
  ]
}

async function leftoversOfStacks(engine: Engine) {
  const [networks, stacks, volumes] = await Promise.all([
    emptyStacks(engine),
    existingStacks(engine),
    engine.volumeNames(),
  ])
  return { networks, states: await lostStates(stateRoot(), { stacks, volumes }) }
}

async function prove({ engine, client }: Machine, root: string) {
  if (!engine || !client) throw new Error('the live proof needs a container engine and its client')
  const state = await inspectStack(engine, await currentStackName())
  return proveLive({ engine, client, state, allowlist: readAllowlist(root) })
}

function grouped(group: Group, checks: readonly Check[]): Diagnosis[] {
  return checks.map(check => ({ ...check, group }))
}

/** Turns a check that throws into a finding. */
async function guarded(id: string, check: () => Promise<Check[]>): Promise<Check[]> {
  const { value, error } = await attempt(check)
  return value ?? [failed(id, error)]
}

/** Reads .env, or nothing where it is unreadable: the settings check reports that. */
function envFile(root: string) {
  return readEnvFile(join(root, '.env'), settingNames).catch(() => ({}))
}

function timeOf(text: string | undefined) {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? null : time
}

function exists(path: string) {
  return access(path).then(
    () => true,
    () => false,
  )
}
