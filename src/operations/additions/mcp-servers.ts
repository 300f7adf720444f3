import { command } from '../../base/command.ts'
import { messageOf } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import {
  hostsOf,
  type McpServer,
  mcpFileName,
  parseMcpFile,
  requestOfServer,
} from '../../config/mcp-servers.ts'
import { parseMcpServers } from '../../config/setting-names.ts'
import type { Settings } from '../../config/settings.ts'
import { admits } from '../../egress/allowlist.ts'
import { parseSiteName } from '../../egress/site-name.ts'
import { isConsented, rememberConsent } from '../../stack/additions/consent.ts'
import { makeStateFolder, type StateFolder } from '../../stack/state/state-folder.ts'
import type { OpenedWorkspace } from '../../workspace/workspace.ts'
import { readWorkspaceFile } from '../../workspace/workspace.ts'
import type { Context } from '../context.ts'
import { openNames, readPolicyLists } from '../policy/policy-files.ts'

const mostBytes = 256 * 1024
const refusal = `no to ${mcpFileName}`

export type FoundServers = { servers: McpServer[]; content: string }

/** Reads the servers that the folder names; null without such a file. */
export async function readMcpFile({
  path,
}: Pick<OpenedWorkspace, 'path'>): Promise<FoundServers | null> {
  const content = await readWorkspaceFile(path, mcpFileName, mostBytes)
  return content === null ? null : { servers: parseMcpFile(content), content }
}

/**
 * Returns the MCP servers that the agent starts. The folder only proposes them: a server is allowed when
 * `.env` names it too, or when a person approved exactly this content.
 */
export async function allowedServers(
  context: Pick<Context, 'log' | 'root' | 'confirm' | 'canAsk'> & {
    settings: Pick<Settings, 'MCP_SERVERS'>
  },
  workspace: OpenedWorkspace,
  state: StateFolder,
): Promise<{ servers: McpServer[]; unanswered: boolean }> {
  const { log, settings } = context
  const wanted = parseMcpServers(settings.MCP_SERVERS)
  const none = { servers: [], unanswered: false }
  if (wanted === 'none') return none
  let found: FoundServers | null
  try {
    found = await readMcpFile(workspace)
  } catch (error) {
    // Other programs use this file too, so an invalid one does not stop the start.
    log({ kind: 'warn', text: `ignored the MCP servers of this folder: ${messageOf(error)}` })
    return none
  }
  if (!found || found.servers.length === 0) return none
  const answer = Array.isArray(wanted) || (await saysYes(context, state, found))
  const servers = Array.isArray(wanted)
    ? found.servers.filter(({ name }) => wanted.includes(name))
    : answer
      ? found.servers
      : []
  for (const text of missingHosts(context.root, state, servers)) log({ kind: 'warn', text })
  return { servers, unanswered: answer === null }
}

/** Asks for approval; null without a terminal. */
async function saysYes(
  { log, confirm, canAsk }: Pick<Context, 'log' | 'confirm' | 'canAsk'>,
  state: StateFolder,
  found: FoundServers,
) {
  if (await isConsented(state, mcpFileName, found.content)) return true
  if (await isConsented(state, refusal, found.content)) return false
  if (!canAsk) {
    const names = found.servers.map(({ name }) => name).join(',')
    log({
      kind: 'warn',
      text: `the MCP servers of this folder are not used, because they are not approved: run ${command('config --accept')}, or set MCP_SERVERS=${names} in .env`,
    })
    return null
  }
  log({ kind: 'info', text: `${mcpFileName} of this folder has MCP servers for the agent:` })
  for (const server of found.servers) {
    for (const text of requestOfServer(server)) log({ kind: 'info', text: `  ${text}` })
  }
  const yes = await confirm('Let the agent use them, inside its container?')
  await makeStateFolder(state)
  await rememberConsent(state, yes ? mcpFileName : refusal, found.content)
  return yes
}

export async function acceptServers(state: StateFolder, { content }: FoundServers) {
  await makeStateFolder(state)
  await rememberConsent(state, mcpFileName, content)
}

/** Returns a warning for each host that a server needs and the proxy refuses, with the command to allow it. */
export function missingHosts(
  root: string,
  state: Pick<StateFolder, 'policy'>,
  servers: readonly McpServer[],
): string[] {
  if (servers.every(server => hostsOf(server).length === 0)) return []
  const open = openNames(readPolicyLists(root, state), new Date())
  return servers.flatMap(server =>
    hostsOf(server).flatMap(host => {
      try {
        const { name } = parseSiteName(host)
        if (open.some(entry => admits(entry.name, name))) return []
        return [
          `the MCP server ${server.name} needs ${name}: run ${command(`allow --here ${name}`)}`,
        ]
      } catch (error) {
        return [
          `the MCP server ${server.name} will not reach its host: ${terminalLine(messageOf(error))}`,
        ]
      }
    }),
  )
}
