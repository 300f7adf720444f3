import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { createColors } from 'picocolors'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { parseCustomEnvironment } from '../../config/custom-environment.ts'
import { parseCustomMounts } from '../../config/custom-mounts.ts'
import { readEnvFile } from '../../config/env-file.ts'
import { userEnvironment } from '../../config/environment.ts'
import { loadCustomSettings, loadSettings } from '../../config/load-settings.ts'
import { describeServer, mcpFileName } from '../../config/mcp-servers.ts'
import { checkoutRoot, customRoot } from '../../config/paths.ts'
import { workspaceConfigName } from '../../config/protected-names.ts'
import { settingNames, settingsInEnvironment } from '../../config/setting-names.ts'
import { secretSettings } from '../../config/settings.ts'
import { ofSessions } from '../../config/workspace-config.ts'
import {
  acceptServers,
  type FoundServers,
  readMcpFile,
} from '../../operations/additions/mcp-servers.ts'
import {
  acceptConfig,
  type FoundConfig,
  mountsOf,
  readConfig,
} from '../../operations/additions/workspace-config.ts'
import { currentStackName } from '../../operations/find-stacks.ts'
import { isConsented } from '../../stack/additions/consent.ts'
import { type StateFolder, stateFolder } from '../../stack/state/state-folder.ts'
import type { Invocation } from '../invocation.ts'
import { hasColours } from '../terminal.ts'

export type ConfigOptions = { json?: boolean; path?: boolean; accept?: boolean }

type Row = { name: string; value: string | null; from: 'environment' | '.env' | 'default' }

/** Prints the effective settings and the source of each; secrets are reported as set, and not shown. */
export async function config(options: ConfigOptions, invocation: Invocation) {
  const root = checkoutRoot()
  const file = join(root, '.env')
  if (options.path) return console.log(file)
  const folder = await realpath(process.cwd())
  const state = stateFolder(await currentStackName())
  const found = await readConfig({ path: folder })
  const servers = await readMcpFile({ path: folder }).catch(() => null)
  if (options.accept) return accept(found, servers, state, invocation)
  // Read before the settings are loaded, which removes the secrets from the environment.
  const sources = {
    environment: settingsInEnvironment(),
    file: await readEnvFile(file, settingNames),
  }
  const [settings, custom] = await Promise.all([loadSettings(root), loadCustomSettings(root)])
  const secrets = secretSettings.flatMap(name => settings[name] ?? [])
  const values: Record<string, unknown> = settings
  const rows = settingNames.map((name): Row => {
    const from =
      name in sources.environment ? 'environment' : name in sources.file ? '.env' : 'default'
    const secret = (secretSettings as readonly string[]).includes(name)
    const value = values[name] === undefined ? null : String(values[name])
    return { name, value: value !== null && secret ? '(set, not shown)' : value, from }
  })
  const allowed =
    found !== null &&
    (found.demands.length === 0 || (await isConsented(state, workspaceConfigName, found.content)))
  const report = {
    version: 1,
    file,
    customFolder: customRoot(settings, userEnvironment()),
    settings: rows,
    /** Names only: the values that the user gives the agent should not appear on the screen. */
    environment: Object.keys(parseCustomEnvironment(custom.environment, secrets)),
    mounts: parseCustomMounts(custom.mounts, found && allowed ? mountsOf(found.config) : []),
    mcpServers: servers && {
      allowed: await isConsented(state, mcpFileName, servers.content),
      servers: servers.servers.map(describeServer),
    },
    workspaceConfig: found && {
      file: join(folder, workspaceConfigName),
      allowed,
      demands: found.demands,
      sessions: Object.fromEntries(ofSessions.map(key => [key, found.config[key]])),
    },
  }
  console.log(options.json ? terminalJson(report) : render(report))
}

async function accept(
  found: FoundConfig | null,
  mcp: FoundServers | null,
  state: StateFolder,
  { log }: Invocation,
) {
  if (!found && !mcp) {
    throw new UserError(`there is no ${workspaceConfigName} or ${mcpFileName} in this folder`, {
      hint: 'go to the folder that has one; docs/additions.md says what they can hold',
    })
  }
  for (const demand of found?.demands ?? []) log({ kind: 'info', text: demand })
  for (const server of mcp?.servers ?? []) {
    log({ kind: 'info', text: `the MCP server ${describeServer(server)}` })
  }
  if (found) await acceptConfig(state, found)
  if (mcp) await acceptServers(state, mcp)
  const names = [...(found ? [workspaceConfigName] : []), ...(mcp ? [mcpFileName] : [])]
  log({ kind: 'info', text: `allowed as it is now: ${names.join(' and ')}` })
}

type Report = {
  file: string
  customFolder: string
  settings: Row[]
  environment: string[]
  mounts: { name: string; source: string; target: string; writable: boolean }[]
  mcpServers: { allowed: boolean; servers: string[] } | null
  workspaceConfig: { file: string; allowed: boolean; demands: string[] } | null
}

function render(report: Report) {
  const { file, customFolder, settings, environment, mounts, mcpServers, workspaceConfig } = report
  const { dim, yellow } = createColors(hasColours(process.stdout))
  const row = (name: string, value: string, more: string) =>
    `${name.padEnd(24)}  ${terminalLine(value)}${more && `  ${dim(more)}`}`
  const lines = [
    ...settings.map(({ name, value, from }) => row(name, value ?? '-', from)),
    ...environment.map(name => row(`CLAUDE_ENV_${name}`, '(not shown)', '')),
    ...mounts.map(({ name, source, target, writable }) =>
      row(
        terminalLine(name),
        `${source} at ${target}`,
        writable ? 'the agent can write' : 'read-only',
      ),
    ),
    '',
    row('settings', file, ''),
    row('your additions', customFolder, ''),
  ]
  for (const server of mcpServers?.servers ?? []) {
    lines.push(row('MCP server', server, mcpServers?.allowed ? 'allowed' : 'nobody said yes'))
  }
  if (workspaceConfig) {
    lines.push(row('of this folder', workspaceConfig.file, ''))
    for (const demand of workspaceConfig.demands) lines.push(row('', demand, ''))
    if (!workspaceConfig.allowed)
      lines.push(yellow(row('', 'not allowed yet: config --accept', '')))
  }
  return lines.join('\n')
}
