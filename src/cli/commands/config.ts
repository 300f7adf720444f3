import { createColors } from 'picocolors'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import {
  acceptConfiguration,
  type CheckedFile,
  type Configuration,
  checkConfigFile,
  readConfiguration,
  settingsFile,
} from '../../operations/configuration.ts'
import { folderSettingsPath } from '../../stack/state/owner.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderField } from '../render/columns.ts'
import { hasColours, widthOf } from '../terminal.ts'

export type ConfigOptions = {
  json?: boolean
  /** A configuration file to check, or true for the path of the settings. */
  path?: boolean | string
  accept?: boolean
  here?: boolean
  unset?: string[]
}

/** Prints the effective settings and the source of each; secrets are reported as set, and not shown. */
export async function config(
  words: readonly string[],
  options: ConfigOptions,
  invocation: Invocation,
) {
  // `--unset A B` names two settings.
  const isName = (word: string) => options.unset !== undefined && /^[A-Za-z_]\w*$/.test(word)
  const unset = [...(options.unset ?? []), ...words.filter(isName)]
  const assignments = words.filter(word => !isName(word))
  if (assignments.length + unset.length > 0) {
    if (!options.here) {
      throw new UserError('settings for every folder are in .env', {
        hint: `edit ${settingsFile()}, or add --here to set them for this folder`,
        exitCode: 2,
      })
    }
    const { setFolderSettings } = await import('../../operations/folder-settings.ts')
    return setFolderSettings(assignments, unset, invocation)
  }
  if (typeof options.path === 'string') {
    const checked = await checkConfigFile(options.path)
    return console.log(options.json ? terminalJson(checked) : renderChecked(checked))
  }
  if (options.path) {
    return console.log(options.here ? await folderSettingsPath() : settingsFile())
  }
  if (options.accept) return acceptConfiguration(invocation)
  const all = await readConfiguration()
  const found = options.here ? ofFolder(all) : all
  console.log(options.json ? terminalJson(found) : render(found, widthOf(process.stdout)))
}

function renderChecked({ file, demands, unused }: CheckedFile) {
  return [
    `${terminalLine(file)} is valid`,
    ...demands.map(demand => `  requests ${terminalLine(demand, 500)}`),
    ...(unused.length > 0 ? [`  without effect: ${unused.join(', ')}`] : []),
  ].join('\n')
}

/** Returns the part of the report that the folder's own settings made. */
function ofFolder(report: Configuration): Configuration {
  const { names } = report.here
  return {
    ...report,
    settings: report.settings.filter(({ from }) => from === 'this folder'),
    environment: report.environment.filter(name => names.includes(`CLAUDE_ENV_${name}`)),
    mounts: report.mounts.filter(({ name }) => names.includes(name)),
  }
}

/** Maximum width of the column of values: a longer value moves only its own source to the right. */
const valueWidth = 18

function render(report: Configuration, width: number) {
  const { file, here, customFolder, settings, environment, mounts, mcpServers, workspaceConfig } =
    report
  const notApproved = `not approved: ${calledAs()} config --accept`
  const { dim, yellow } = createColors(hasColours(process.stdout))
  const column = Math.max(24, ...settings.map(({ name }) => name.length)) + 2
  const row = (name: string, value: string, more: string) => {
    const shown = terminalLine(value)
    const text = more ? `${shown.padEnd(valueWidth)}  ${dim(more)}` : shown
    return renderField(name, text, { width, column, space: 2 })
  }
  // The few that someone chose come first.
  const set = settings.filter(({ from }) => from !== 'default')
  const defaults = settings.filter(({ from }) => from === 'default')
  const lines = [
    ...[...set, ...defaults].map(({ name, value, from }) => row(name, value ?? '-', from)),
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
    ...(here.names.length > 0 ? [row('settings of this folder', here.file, '')] : []),
    row('your additions', customFolder, ''),
  ]
  for (const server of mcpServers?.servers ?? []) {
    lines.push(row('MCP server', server, mcpServers?.allowed ? 'approved' : notApproved))
  }
  if (workspaceConfig) {
    lines.push(row('of this folder', workspaceConfig.file, ''))
    for (const demand of workspaceConfig.demands) lines.push(row('', demand, ''))
    if (workspaceConfig.unused.length > 0) {
      lines.push(row('without effect', workspaceConfig.unused.join(', '), ''))
    }
    if (!workspaceConfig.allowed) lines.push(yellow(row('', notApproved, '')))
  }
  return lines.join('\n')
}
