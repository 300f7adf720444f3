import { lstat, realpath } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { claudeboxSettings } from '../config/claudebox-settings.ts'
import { parseCustomEnvironment } from '../config/custom-environment.ts'
import { parseCustomMounts } from '../config/custom-mounts.ts'
import { readEnvFile } from '../config/env-file.ts'
import { userEnvironment } from '../config/environment.ts'
import { loadCustomSettings, loadSettings, readFolderSettings } from '../config/load-settings.ts'
import { describeServer, mcpFileName, requestOfServer } from '../config/mcp-servers.ts'
import { checkoutRoot, customRoot } from '../config/paths.ts'
import { workspaceConfigName, workspaceConfigNames } from '../config/protected-names.ts'
import { hiddenSettings, secretSettings } from '../config/secret-settings.ts'
import { settingNames, settingsInEnvironment } from '../config/setting-names.ts'
import { ofSessions, parseWorkspaceConfig } from '../config/workspace-config.ts'
import { demandsOf, mountsOf } from '../config/workspace-requests.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { isConsented } from '../stack/additions/consent.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { acceptServers as acceptMcpServers, readMcpFile } from './additions/mcp-servers.ts'
import { acceptServices, describeService, findServices } from './additions/services.ts'
import { acceptConfig, readConfig } from './additions/workspace-config.ts'
import { type Caller, openEngine } from './context.ts'
import { currentStackName } from './find-stacks.ts'

/** A setting with its effective value; null when it is not set. */
export type EffectiveSetting = {
  name: string
  value: string | null
  from: 'environment' | 'this folder' | '.env' | 'default'
}

/** The output of `config --json`. */
export type Configuration = {
  version: 1
  /** Path of .env. */
  file: string
  /** The folder's own settings: their file, and their names. */
  here: { file: string; names: string[] }
  customFolder: string
  settings: EffectiveSetting[]
  /** Names only: the values that the user gives the agent should not appear on the screen. */
  environment: string[]
  mounts: { name: string; source: string; target: string; writable: boolean }[]
  mcpServers: { allowed: boolean; servers: string[] } | null
  workspaceConfig: {
    file: string
    allowed: boolean
    demands: string[]
    /** Keys of the file that change nothing. */
    unused: readonly string[]
    sessions: Record<string, unknown>
  } | null
}

/** Returns the path of the file that settings are read from. */
export function settingsFile(root = checkoutRoot()): string {
  return join(root, '.env')
}

/** Reads the effective settings and the additions of the current folder; secrets are reported as set. */
export async function readConfiguration(): Promise<Configuration> {
  const root = checkoutRoot()
  const { folder, state, found, servers } = await readFolder()
  const file = settingsFile(root)
  // Read before the settings are loaded, which removes the secrets from the environment.
  const sources = {
    environment: { ...claudeboxSettings(userEnvironment()), ...settingsInEnvironment() },
    here: await readFolderSettings(state.settings),
    file: await readEnvFile(file, settingNames),
  }
  const [settings, custom] = await Promise.all([
    loadSettings(root, undefined, state.settings),
    loadCustomSettings(root, undefined, state.settings),
  ])
  const secrets = secretSettings.flatMap(name => settings[name] ?? [])
  const values: Record<string, unknown> = settings
  const rows = settingNames.map((name): EffectiveSetting => {
    const from =
      name in sources.environment
        ? 'environment'
        : name in sources.here
          ? 'this folder'
          : name in sources.file
            ? '.env'
            : 'default'
    const secret = hiddenSettings.includes(name)
    const value = values[name] === undefined ? null : String(values[name])
    return { name, value: value !== null && secret ? '(set, not shown)' : value, from }
  })
  const allowed =
    found !== null &&
    (found.demands.length === 0 || (await isConsented(state, found.name, found.content)))
  return {
    version: 1,
    file,
    here: { file: state.settings, names: Object.keys(sources.here) },
    customFolder: customRoot(settings, userEnvironment()),
    settings: rows,
    environment: Object.keys(parseCustomEnvironment(custom.environment, secrets)),
    mounts: parseCustomMounts(
      custom.mounts,
      found && allowed ? mountsOf(found.config, found.name) : [],
    ),
    mcpServers: servers && {
      allowed: await isConsented(state, mcpFileName, servers.content),
      servers: servers.servers.map(describeServer),
    },
    workspaceConfig: found && {
      file: join(folder, found.name),
      allowed,
      demands: found.demands,
      unused: found.config.unused,
      sessions: Object.fromEntries(ofSessions.map(key => [key, found.config[key]])),
    },
  }
}

/** Approves the configuration and the MCP servers that the current folder requests, and logs each request. */
export async function acceptConfiguration(caller: Caller): Promise<void> {
  const { log } = caller
  const { state, found, servers } = await readFolder()
  const beside = await servicesToAccept(caller, state.settings)
  if (!found && !servers && !beside) {
    throw new UserError(`this folder has no ${workspaceConfigName} or ${mcpFileName}`, {
      hint: 'go to the folder that has one; docs/additions.md lists what they can hold',
    })
  }
  for (const request of found?.requests ?? []) log({ kind: 'info', text: request })
  for (const server of servers?.servers ?? []) {
    const [first, ...values] = requestOfServer(server)
    for (const text of [`the MCP server ${first}`, ...values]) log({ kind: 'info', text })
  }
  for (const service of beside?.services ?? []) {
    for (const text of describeService(service)) log({ kind: 'info', text })
  }
  if (found) await acceptConfig(state, found)
  if (servers) await acceptMcpServers(state, servers)
  if (beside) await acceptServices(state, beside)
  const names = [
    ...(found ? [found.name] : []),
    ...(servers ? [mcpFileName] : []),
    ...(beside ? beside.services.map(({ name }) => `the service ${name}`) : []),
  ]
  log({ kind: 'info', text: `approved, until it changes: ${names.join(' and ')}` })
}

/** Returns the services of the custom folder; asks the engine about images only when there are some. */
async function servicesToAccept(caller: Caller, here: string) {
  const settings = await loadSettings(checkoutRoot(), undefined, here)
  const folder = customRoot(settings)
  const present = await lstat(join(folder, 'services')).catch(() => null)
  if (!present) return null
  const { engine } = await openEngine(caller)
  return findServices({ engine, settings }, folder)
}

async function readFolder() {
  const folder = await realpath(process.cwd())
  const state = stateFolder(await currentStackName())
  const found = await readConfig({ path: folder })
  // An invalid file of another program must not keep the settings from being shown.
  const servers = await readMcpFile({ path: folder }).catch(() => null)
  return { folder, state, found, servers }
}

/** The output of `config --path FILE --json`. */
export type CheckedFile = { version: 1; file: string; demands: string[]; unused: readonly string[] }

const mostBytes = 256 * 1024

/** Checks a configuration file that a user names, before it is the one of a folder. Approves nothing. */
export async function checkConfigFile(path: string): Promise<CheckedFile> {
  const file = resolve(path)
  const refused = (why: string) =>
    new UserError(`${terminalLine(file)} ${why}`, { hint: 'name a configuration file' })
  const read = await readRegularFile(file, { limit: mostBytes }).catch(cause => {
    throw refused(`cannot be read: ${systemCode(cause)}`)
  })
  if (read.kind === 'missing') throw refused('does not exist')
  if (read.kind === 'too-large') throw refused(`holds more than ${mostBytes} bytes`)
  if (read.kind !== 'bytes') throw refused('is not a regular file')
  const name = workspaceConfigNames.find(name => name === basename(file)) ?? workspaceConfigName
  const config = parseWorkspaceConfig(read.bytes.toString('utf8'), terminalLine(file))
  return { version: 1, file, demands: demandsOf(config, name), unused: config.unused }
}
