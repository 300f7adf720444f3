import t from 'tap'
import {
  describeServer,
  hostsOf,
  parseMcpFile,
  renderMcpConfig,
  requestOfServer,
} from '../../../src/config/mcp-servers.ts'

const parse = (mcpServers: object) => parseMcpFile(JSON.stringify({ mcpServers }))
const local = { command: 'node', args: ['server.mjs', '--x'], env: { TOKEN: 'secret' } }
const remote = { type: 'http', url: 'https://mcp.example.com/v1' }

t.test('servers on stdio and over HTTP, with what a person is shown of them', async t => {
  const servers = parse({ local, remote })
  t.same(servers.map(describeServer), [
    'local runs ["node","server.mjs","--x"] with TOKEN',
    'remote connects to https://mcp.example.com/v1',
  ])
  t.notMatch(servers.map(describeServer).join(), /secret/)
})

t.test('the person who approves a server sees the values of its variables and headers', async t => {
  const headers = { 'X-Key': 'a\u0000' }
  t.same(parse({ local, remote: { ...remote, headers } }).map(requestOfServer), [
    ['local runs ["node","server.mjs","--x"] with TOKEN', '  TOKEN="secret"'],
    ['remote connects to https://mcp.example.com/v1 with X-Key', '  X-Key="a\\u0000"'],
  ])
})

t.test('the hosts that they need: their own, and those they declare', async t => {
  const [first, second] = parse({
    local: { ...local, 'x-claude-secure': { hosts: ['api.example.com'] } },
    remote: { ...remote, 'x-claude-secure': { hosts: ['auth.example.com'] } },
  })
  t.same(first && hostsOf(first), ['api.example.com'])
  t.same(second && hostsOf(second), ['https://mcp.example.com/v1', 'auth.example.com'])
})

t.test('what Claude Code gets has these servers and only keys that are known', async t => {
  const [server] = parse({ local: { ...local, unknown: 1, 'x-claude-secure': { hosts: [] } } })
  t.same(JSON.parse(renderMcpConfig(server ? [server] : [])), { mcpServers: { local } })
  t.same(JSON.parse(renderMcpConfig([])), { mcpServers: {} })
})

t.test('what is no list of servers', async t => {
  for (const text of ['{', '[]', '{}', '{"mcpServers":[]}']) {
    t.throws(() => parseMcpFile(text), { message: /\.mcp\.json is not valid/ }, text)
  }
  for (const server of [
    {},
    { command: '' },
    { type: 'http' },
    { type: 'http', url: 'x' },
    { command: 1 },
  ]) {
    t.throws(
      () => parse({ a: server }),
      { message: /is not valid: .*(is|must|has) / },
      JSON.stringify(server),
    )
  }
  t.throws(() => parse({ 'a b': local }), { message: /is not valid/ })
})

t.test(
  'a yes is to what is shown: no server that is longer than a line, or hides something',
  async t => {
    for (const args of [['x'.repeat(500)], ['a\u202eb'], ['\u0085']]) {
      t.throws(() => parse({ a: { command: 'node', args } }), {
        message: /cannot|too long or contains invisible/,
      })
    }
  },
)
