import { createColors } from 'picocolors'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import {
  acceptConfiguration,
  type Configuration,
  readConfiguration,
  settingsFile,
} from '../../operations/configuration.ts'
import type { Invocation } from '../invocation.ts'
import { hasColours } from '../terminal.ts'

export type ConfigOptions = { json?: boolean; path?: boolean; accept?: boolean }

/** Prints the effective settings and the source of each; secrets are reported as set, and not shown. */
export async function config(options: ConfigOptions, invocation: Invocation) {
  if (options.path) return console.log(settingsFile())
  if (options.accept) return acceptConfiguration(invocation)
  const found = await readConfiguration()
  console.log(options.json ? terminalJson(found) : render(found))
}

function render(report: Configuration) {
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
    lines.push(
      row('MCP server', server, mcpServers?.allowed ? 'approved' : 'not approved: config --accept'),
    )
  }
  if (workspaceConfig) {
    lines.push(row('of this folder', workspaceConfig.file, ''))
    for (const demand of workspaceConfig.demands) lines.push(row('', demand, ''))
    if (!workspaceConfig.allowed) lines.push(yellow(row('', 'not approved: config --accept', '')))
  }
  return lines.join('\n')
}
