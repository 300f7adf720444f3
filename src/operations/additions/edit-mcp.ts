import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { isRecord, parseJson } from '../../base/json.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { loadSettings } from '../../config/load-settings.ts'
import { describeServer, mcpFileName, parseMcpFile } from '../../config/mcp-servers.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { parseMcpServers } from '../../config/setting-names.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { isConsented } from '../../stack/additions/consent.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { type Caller, openEngine } from '../context.ts'
import { currentStackName, findCurrentStack } from '../find-stacks.ts'
import { acceptServers, type FoundServers, missingHosts, readMcpFile } from './mcp-servers.ts'

/** The output of `mcp list --json`. */
export type ListedServers = {
  version: 1
  file: string
  servers: { name: string; description: string; allowed: boolean }[]
}

/** Lists the servers of the current folder, and whether the agent may start each. */
export async function listMcpServers(): Promise<ListedServers> {
  const { folder, state, found } = await readHere()
  const { MCP_SERVERS } = await loadSettings(checkoutRoot(), undefined, state.settings)
  const wanted = parseMcpServers(MCP_SERVERS)
  const approved = found !== null && (await isConsented(state, mcpFileName, found.content))
  return {
    version: 1,
    file: join(folder, mcpFileName),
    servers: (found?.servers ?? []).map(server => ({
      name: server.name,
      description: describeServer(server),
      allowed: Array.isArray(wanted) ? wanted.includes(server.name) : wanted === 'ask' && approved,
    })),
  }
}

/**
 * Adds or replaces a server in the folder's file. Approves the new content only when every other server in
 * it was approved before: the user has seen no more than the one they name.
 */
export async function addMcpServer(caller: Caller, name: string, definition: unknown) {
  const { folder, state, found } = await readHere()
  if (!found) await refuseWhileRunning(caller)
  const content = edited(found, servers => ({ ...servers, [name]: definition }))
  const next = { servers: parseMcpFile(content), content }
  await write(caller, { folder, state, found, next })
  const added = next.servers.filter(server => server.name === name)
  for (const text of missingHosts(checkoutRoot(), state, added)) caller.log({ kind: 'warn', text })
}

/** Removes a server from the folder's file. */
export async function removeMcpServer(caller: Caller, name: string) {
  const { folder, state, found } = await readHere()
  if (!found?.servers.some(server => server.name === name)) {
    throw new UserError(`${mcpFileName} of this folder has no server ${terminalLine(name, 64)}`, {
      hint: `run ${command('mcp list')} to see its servers`,
    })
  }
  const content = edited(found, servers =>
    Object.fromEntries(Object.entries(servers).filter(([other]) => other !== name)),
  )
  await write(caller, { folder, state, found, next: { servers: parseMcpFile(content), content } })
}

type Here = Awaited<ReturnType<typeof readHere>>

async function readHere() {
  const folder = await realpath(process.cwd())
  const state = stateFolder(await currentStackName())
  return { folder, state, found: await readMcpFile({ path: folder }) }
}

/** Changes only the servers: other programs have keys of their own in the file. */
function edited(
  found: FoundServers | null,
  change: (servers: Record<string, unknown>) => Record<string, unknown>,
): string {
  const file = found ? parseJson(found.content) : {}
  const whole = isRecord(file) ? file : {}
  const servers = isRecord(whole.mcpServers) ? whole.mcpServers : {}
  return `${JSON.stringify({ ...whole, mcpServers: change(servers) }, null, 2)}\n`
}

async function write(
  { log }: Pick<Caller, 'log'>,
  { folder, state, found, next }: Here & { next: FoundServers },
) {
  const seen =
    !found || found.servers.length === 0 || (await isConsented(state, mcpFileName, found.content))
  await replaceFile(join(folder, mcpFileName), next.content, { mode: 0o644 })
  if (seen) await acceptServers(state, next)
  else {
    const text = `the other servers of ${mcpFileName} are not approved: run ${command('config --accept')}`
    log({ kind: 'warn', text })
  }
  const text = `wrote ${mcpFileName}; a running stack uses it after ${command('stop')} and ${command('start')}`
  log({ kind: 'info', text })
}

/** A new file that appears while an agent works is moved away as the agent's: only the user can tell them apart. */
async function refuseWhileRunning(caller: Caller) {
  const engine = await openEngine(caller).catch(error => {
    // Without an engine nothing runs.
    if (error instanceof UserError) return null
    throw error
  })
  if (!engine || !(await findCurrentStack(engine))) return
  throw new UserError(`the stack of this folder is running, and it has no ${mcpFileName} yet`, {
    hint: `run ${command('stop')} first: a file that appears meanwhile is taken for the agent's`,
  })
}
