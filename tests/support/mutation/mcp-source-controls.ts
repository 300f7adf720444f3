import type { SourceControl } from './source-controls.ts'

/** Controls of the MCP endpoint and of its bridge. */
export const mcpSourceControls: readonly SourceControl[] = [
  {
    control: 'an MCP session belongs to the token that opened it',
    file: 'src/server/mcp/sessions.ts',
    remove: ['session?.owner !== owner', 'session === undefined'],
    test: 'tests/integration/server/mcp-protocol.test.ts',
  },
  {
    control: 'a token has a bounded number of MCP sessions',
    file: 'src/server/mcp/sessions.ts',
    remove: ['own.length < limits.mcpSessions', 'own.length >= 0'],
    test: 'tests/integration/server/mcp-bounds.test.ts',
  },
  {
    control: 'the message that opens an MCP session is bounded',
    file: 'src/server/mcp/sessions.ts',
    remove: ['JSON.stringify(body).length > limits.mcpInitializeBytes', 'false'],
    test: 'tests/integration/server/mcp-bounds.test.ts',
  },
  {
    control: 'an MCP session ends that keeps the ids of cancelled requests',
    file: 'src/server/mcp/sessions.ts',
    remove: ['session.cancelled > limits.mcpCancelled', 'false'],
    test: 'tests/integration/server/mcp-bounds.test.ts',
  },
  {
    control: 'a token has a bounded number of MCP calls',
    file: 'src/server/mcp/call.ts',
    remove: ['count >= limits.mcpCalls', 'false'],
    test: 'tests/integration/server/mcp-bounds.test.ts',
  },
  {
    control: 'the texts of MCP tools have a budget of memory',
    file: 'src/server/mcp/call.ts',
    remove: ['!budget.take(holder, bytes)', 'bytes < 0'],
    test: 'tests/integration/server/mcp-bounds.test.ts',
  },
  {
    control: 'MCP tools know the runs of their token alone',
    file: 'src/server/mcp/run-answers.ts',
    remove: ['!maySee(exchange.caller, run.workspace)', 'false'],
    test: 'tests/integration/server/mcp-bounds.test.ts',
  },
  {
    control: 'MCP tools use the files of their token alone',
    file: 'src/server/mcp/file-tools.ts',
    remove: ['!mayUse(call.exchange.caller, relative)', 'false'],
    test: 'tests/integration/server/mcp-bounds.test.ts',
  },
  {
    control: 'a token starts a bounded number of runs by MCP',
    file: 'src/server/mcp/run-rate.ts',
    remove: ['window.count >= perMinute', 'false'],
    test: 'tests/integration/server/mcp-bounds.test.ts',
  },
  {
    control: 'the MCP endpoint needs a token with its mode',
    file: 'src/server/mcp/routes.ts',
    remove: ["config: { modes: ['mcp'] }", "config: { modes: ['api'] }"],
    test: 'tests/integration/server/mcp-protocol.test.ts',
  },
  {
    control: 'an answer is over once',
    file: 'src/server/plugins/answer-over.ts',
    remove: ['if (isOver) return', ''],
    test: 'tests/integration/server/events.test.ts',
  },
  {
    control: 'the bridge sends no token in the clear to another host',
    file: 'src/operations/mcp-bridge/find-endpoint.ts',
    remove: ["url.protocol === 'http:' && !isLoopback", 'false'],
    test: 'tests/integration/server/mcp-bridge.test.ts',
  },
]
