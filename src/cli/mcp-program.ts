import { type Command, Option } from 'commander'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { calledAs } from './called-as.ts'
import type { Invocation } from './invocation.ts'
import { repeatable } from './repeatable.ts'

const examples = `
Examples:
  ${calledAs()} mcp list
  ${calledAs()} mcp add db -- node tools/db.mjs
  ${calledAs()} mcp add --transport http docs https://mcp.example.com/v1
  ${calledAs()} mcp remove db
  ${calledAs()} mcp                         the server of serve up, for a client on stdio
  ${calledAs()} mcp --url https://ai.example --token-file ~/.ai-token`

/** Adds `mcp` and its commands, each as a single word for commander: see command-line.ts. */
export function addMcp(
  command: (name: string, description: string, options?: { hidden?: boolean }) => Command,
  invocation: Invocation,
) {
  const about = (name: string, description: string) => command(name, description, { hidden: true })

  command('mcp', "this folder's MCP servers (.mcp.json), or the server's own MCP on stdio")
    .argument('[action]', 'list, add or remove; without one, MCP on stdin and stdout')
    .option('--name <server>', 'the server of this host, if it has several')
    .option('--url <address>', 'a server elsewhere')
    .option('--token-file <file>', 'file with the token, if it is not the one of serve up')
    .addHelpText('after', examples)
    .action(async (action: string | undefined, options) => {
      if (action === undefined) {
        return (await import('./commands/mcp-bridge.ts')).mcpBridge(options, invocation)
      }
      throw new UserError(`mcp ${terminalLine(action, 40)} is not a command`, {
        hint: `run ${calledAs()} mcp list, mcp add or mcp remove`,
        exitCode: 2,
      })
    })
  about('mcp list', 'list the MCP servers of this folder, and which the agent may start')
    .option('--json', 'print JSON')
    .action(async options => (await import('./commands/mcp.ts')).mcpList(options, invocation))
  about('mcp add', 'add an MCP server to .mcp.json of this folder, and approve it')
    .argument('<name>')
    .argument('[words...]', 'the command with its arguments after --, or the URL')
    .addOption(
      new Option('-t, --transport <kind>', 'how to reach it')
        .choices(['stdio', 'http', 'sse'])
        .default('stdio'),
    )
    .option('-e, --env <pair>', 'variable of the server, NAME=VALUE (repeatable)', repeatable)
    .option('-H, --header <pair>', 'header of requests, "Name: value" (repeatable)', repeatable)
    .option('--host <name>', 'internet host that it needs (repeatable)', repeatable)
    .action(async (name, words, options) =>
      (await import('./commands/mcp.ts')).mcpAdd(name, words, options, invocation),
    )
  about('mcp remove', 'remove an MCP server from .mcp.json of this folder')
    .argument('<name>')
    .action(async name => (await import('./commands/mcp.ts')).mcpRemove(name, invocation))
}
