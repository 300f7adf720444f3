import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'

const script = await createControlScript(t)
const file = join(script.workspace, '.mcp.json')
const DOCKER_HOST = await startFakeEngine(t, goodEngine)
const mcp = (...args: string[]) => script.run(['mcp', ...args], { env: { DOCKER_HOST } })
const listed = async () => JSON.parse((await mcp('list', '--json')).stdout).servers

t.test('servers are added with their approval, listed and removed', async t => {
  const { code, stderr } = await mcp('add', 'db', '-e', 'DB=a b', '--', 'node', 'db.mjs', '--all')
  t.equal(code, 0, stderr)
  const url = 'https://mcp.example.com/v1'
  const docs = await mcp('add', '--transport', 'http', 'docs', url, '-H', 'X-Team: a')
  t.match(docs.stderr, /docs needs mcp\.example\.com: run \S+ allow --here/)
  t.same(JSON.parse(await readFile(file, 'utf8')), {
    mcpServers: {
      db: { command: 'node', args: ['db.mjs', '--all'], env: { DB: 'a b' } },
      docs: { type: 'http', url, headers: { 'X-Team': 'a' } },
    },
  })
  t.match(await listed(), [
    { name: 'db', allowed: true },
    { name: 'docs', allowed: true },
  ])
  t.match((await mcp('list')).stdout, /^approved +db runs \["node","db\.mjs","--all"\] with DB$/m)
  t.equal((await mcp('remove', 'db')).code, 0)
  t.match(await listed(), [{ name: 'docs', allowed: true }])
  isTwoLines(t, await mcp('remove', 'db'), { error: /has no server db/, hint: /mcp list/ })
})

t.test('adding one server approves no other that came with the folder', async t => {
  const theirs = { evil: { command: 'sh', args: ['-c', 'evil'], more: 1 } }
  await writeFile(file, JSON.stringify({ mcpServers: theirs, inputs: [] }))
  t.match((await mcp('add', 'mine', 'true')).stderr, /other servers .* are not approved/)
  t.match(await listed(), [
    { name: 'evil', allowed: false },
    { name: 'mine', allowed: false },
  ])
  t.match(JSON.parse(await readFile(file, 'utf8')), { inputs: [], mcpServers: theirs })
})

t.test('what is typed wrong is refused without a change, and without the value', async t => {
  const before = await readFile(file, 'utf8')
  for (const [args, error, code = 2] of [
    [['add', 'a/b', 'x'], /is not a name of a server/],
    [['add', 'x'], /command or the URL of the server is missing/],
    [['add', '-e', 'sk-secret', 'x', 'true'], /--env is not of the form NAME=VALUE$/],
    [['add', '-t', 'http', 'x', 'no url'], /url must be a URL|must have a command/, 1],
    [['frob'], /mcp frob is not a command/],
  ] as const) {
    isTwoLines(t, await mcp(...args), { error, hint: /./, code })
  }
  t.equal(await readFile(file, 'utf8'), before)
})
