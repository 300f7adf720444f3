import { McpServer } from '@modelcontextprotocol/server'
import type { Turns } from '../../tenants/files/turns.ts'
import type { RunStarter } from '../../tenants/run-starter.ts'
import type { ServerLog } from '../../tenants/server-log.ts'
import type { ServerLimits } from '../limits.ts'
import { createServe } from './call.ts'
import { registerClaudeRun } from './claude-run.ts'
import { registerFileTools } from './file-tools.ts'
import { createAskedCodec } from './run-answers.ts'
import { createRunRate } from './run-rate.ts'
import { registerRunTools } from './run-tools.ts'

export type McpParts = {
  starter: RunStarter
  limits: ServerLimits
  workspacesFolder: string
  fileBytes: number
  turns: Turns
  tenants: () => number
  log: ServerLog
}

const instructions =
  'Runs Claude Code in a sandbox. claude_run runs a prompt in a workspace; run_result, run_answer and run_cancel are about a run that goes on. The other tools are for the files of the workspaces.'

/** Maximum number of questions of one call, each of which the client asks its user. */
const maxRounds = 20

/** Creates the function that builds an MCP server: one for each session, or for each request without one. */
export function createMcpServers(parts: McpParts): () => McpServer {
  const { starter, limits, workspacesFolder, turns, fileBytes, log } = parts
  const serve = createServe({ starter, limits, tenants: parts.tenants, log })
  const codec = createAskedCodec()
  const rate = createRunRate(limits.runsPerMinute)
  return () => {
    const server = new McpServer(
      { name: 'claude-secure', title: 'claude-secure', version: '0.1.0' },
      { instructions, inputRequired: { maxRounds }, requestState: { verify: codec.verify } },
    )
    registerClaudeRun({ server, serve, codec, starter, rate, limits, workspacesFolder })
    registerRunTools({ server, serve, codec, cancelMilliseconds: limits.cancelMilliseconds })
    const { listedEntries } = limits
    registerFileTools({ server, serve, workspacesFolder, turns, fileBytes, listedEntries })
    return server
  }
}
