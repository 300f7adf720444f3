import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startClaudeCode } from '../../support/mcp/claude-code.ts'
import { createControlScript } from '../../support/stack/control-script.ts'
import { token } from './fixture.ts'
import { startRunning } from './running.ts'

t.test('the real Claude Code uses the server as a client, by HTTP and by the bridge', async t => {
  const { port } = await startRunning(t)
  const claude = await startClaudeCode(t)
  const script = await createControlScript(t)
  const tokenFile = join(t.testdir({}), 'token')
  writeFileSync(tokenFile, token, { mode: 0o600 })
  const url = `http://127.0.0.1:${port}`
  const http = {
    type: 'http',
    url: `${url}/mcp`,
    headers: { Authorization: `Bearer ${token}` },
  }
  const bridge = {
    command: join(script.checkout, 'claude.ts'),
    args: ['mcp', '--url', url, '--token-file', tokenFile],
    env: script.env,
  }
  for (const [name, sandbox] of Object.entries({ http, bridge })) {
    const input = JSON.stringify({ prompt: `asked by ${name}`, workspace: 'a' })
    const answer = await claude.ask({ sandbox }, `[[tool mcp__sandbox__claude_run ${input}]]`)
    t.match(answer, new RegExp(`"result":"asked by ${name}"`))
  }
  const wrong = { ...http, headers: { Authorization: 'Bearer of-another-server' } }
  const refused = await claude.ask({ sandbox: wrong }, '[[tool mcp__sandbox__list_files {}]]')
  t.match(refused, /No such tool/)
})
