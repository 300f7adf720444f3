import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkoutRoot } from '../../../../src/config/paths.ts'
import {
  acceptServers,
  allowedServers,
  missingHosts,
  readMcpFile,
} from '../../../../src/operations/additions/mcp-servers.ts'
import { folderStack } from '../../../../src/stack/identity.ts'
import { stateFolder } from '../../../../src/stack/state/state-folder.ts'

// Not the state of whoever runs the tests, and no terminal to ask at.
process.env.XDG_STATE_HOME = await mkdtemp(join(tmpdir(), 'mcp-state-'))
t.teardown(() => rm(process.env.XDG_STATE_HOME ?? '', { recursive: true }))

const server = { type: 'http', url: 'https://mcp.example.com/v1' }
const file = (names: string[]) =>
  JSON.stringify({ mcpServers: Object.fromEntries(names.map(name => [name, server])) })

function folder(t: Test, content: string, MCP_SERVERS = 'ask') {
  const path = t.testdir({ '.mcp.json': content })
  const told: string[] = []
  const workspace = {
    path,
    mode: 'mount' as const,
    agent: { uid: 1, gid: 1 },
  }
  const state = stateFolder(folderStack(path).name)
  const allowed = async () => {
    const context = {
      root: checkoutRoot(),
      settings: { MCP_SERVERS },
      canAsk: false,
      confirm: async () => false,
      log: (event: { kind: string }) => void told.push('text' in event ? String(event.text) : ''),
    }
    return (await allowedServers(context, workspace, state)).servers.map(({ name }) => name)
  }
  return { path, state, told, allowed }
}

t.test('an unapproved server is not used, and a warning says so', async t => {
  const { allowed, told } = folder(t, file(['a', 'b']))
  t.same(await allowed(), [])
  t.match(told[0], /not used, because they are not approved: .*MCP_SERVERS=a,b in \.env/)
})

t.test('only servers named in .env are used', async t => {
  t.same(await folder(t, file(['a', 'b']), 'b,c').allowed(), ['b'])
  t.same(await folder(t, file(['a']), 'none').allowed(), [])
})

t.test('an approval covers exactly this content', async t => {
  const { path, state, allowed, told } = folder(t, file(['a']))
  const found = await readMcpFile({ path })
  if (found) await acceptServers(state, found)
  t.same(await allowed(), ['a'])
  t.match(told[0], /MCP server a needs mcp\.example\.com: run .allow --here mcp\.example\.com/)
  await writeFile(join(path, '.mcp.json'), file(['a', 'more']))
  t.same(await allowed(), [])
})

t.test('an invalid file does not stop a start', async t => {
  const { allowed, told } = folder(t, '{')
  t.same(await allowed(), [])
  t.match(told[0], /ignored the MCP servers of this folder: \.mcp\.json is not valid/)
})

t.test('an address or a plain host is reported as unreachable', async t => {
  const definition = { type: 'http' as const, url: 'http://10.0.0.1:9/' }
  t.match(missingHosts(checkoutRoot(), { policy: t.testdir({}) }, [{ name: 'a', definition }]), [
    /a will not reach its host/,
  ])
})
