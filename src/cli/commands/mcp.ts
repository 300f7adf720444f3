import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { serverName } from '../../config/setting-names.ts'
import {
  addMcpServer,
  listMcpServers,
  removeMcpServer,
} from '../../operations/additions/edit-mcp.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderField } from '../render/columns.ts'
import { widthOf } from '../terminal.ts'

export type AddOptions = {
  transport?: 'stdio' | 'http' | 'sse'
  env?: string[]
  header?: string[]
  host?: string[]
}

/** Prints the MCP servers of the current folder, and which of them the agent may start. */
export async function mcpList(options: { json?: boolean }, { log }: Invocation) {
  const found = await listMcpServers()
  if (options.json) return console.log(terminalJson(found))
  if (found.servers.length === 0) {
    return log({ kind: 'info', text: 'this folder has no MCP servers' })
  }
  const width = widthOf(process.stdout)
  for (const { description, allowed } of found.servers) {
    const state = allowed ? 'approved' : 'not approved'
    console.log(renderField(state, terminalLine(description, 500), { width, column: 14 }))
  }
}

/** Adds a server to the folder's `.mcp.json`, in the words of `claude mcp add`. */
export async function mcpAdd(
  name: string,
  words: readonly string[],
  options: AddOptions,
  invocation: Invocation,
) {
  if (!serverName.test(name)) throw wrong(`${terminalLine(name, 70)} is not a name of a server`)
  await addMcpServer(invocation, name, buildDefinition(words, options))
}

export async function mcpRemove(name: string, invocation: Invocation) {
  await removeMcpServer(invocation, name)
}

/** Builds the entry of a server; the file's own parser checks the rest. */
export function buildDefinition(words: readonly string[], options: AddOptions) {
  const { transport = 'stdio', env = [], header = [], host = [] } = options
  const [first, ...args] = words
  if (first === undefined) throw wrong('the command or the URL of the server is missing')
  const needs = host.length > 0 ? { 'x-claude-secure': { hosts: host } } : {}
  if (transport === 'stdio') {
    if (header.length > 0) throw wrong('--header is only for --transport http or sse')
    const pairs = env.map(text => pair(text, /^([A-Za-z_]\w*)=(.*)$/s, '--env', 'NAME=VALUE'))
    return {
      ...{ command: first, args },
      ...(env.length > 0 && { env: Object.fromEntries(pairs) }),
      ...needs,
    }
  }
  if (args.length > 0 || env.length > 0) throw wrong('a URL has no arguments and no --env')
  const headers = header.map(text => pair(text, /^([\w-]+):\s*(.*)$/s, '--header', 'Name: value'))
  return {
    ...{ type: transport, url: first },
    ...(header.length > 0 && { headers: Object.fromEntries(headers) }),
    ...needs,
  }
}

/** Does not repeat the text: it may hold a token. */
function pair(text: string, form: RegExp, flag: string, shown: string): [string, string] {
  const [, name, value = ''] = form.exec(text) ?? []
  if (name === undefined) throw wrong(`a value of ${flag} is not of the form ${shown}`)
  return [name, value]
}

function wrong(what: string) {
  return new UserError(what, {
    hint: `write, for example: ${calledAs()} mcp add db -- node tools/db.mjs`,
    exitCode: 2,
  })
}
