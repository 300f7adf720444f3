import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { cacheRoot } from '../../../src/config/paths.ts'
import { fetchPackage } from '../../../src/images/npm-fetch.ts'
import { parseArchitecture, readPins } from '../../../src/images/pins.ts'
import { startStandIn } from '../messages-api/stand-in.ts'
import { temporaryFolder } from '../stack/checkout.ts'
import { run } from '../stack/process.ts'

/**
 * The real Claude Code on this host, as a client of MCP servers: with the scripted model, and without a network
 * beyond it.
 */
export async function startClaudeCode(t: Test) {
  const folder = await temporaryFolder(t, 'claude-code')
  const pins = await readPins(join(import.meta.dirname, '../../..'))
  const claude = await fetchPackage(pins.claude[parseArchitecture()], {
    cache: join(cacheRoot(), 'packages'),
    selection: { only: ['claude'] },
  })
  const model = await startStandIn({ host: '127.0.0.1', httpPort: 0, httpsPort: 0 })
  t.teardown(() => model.close())

  return {
    /** Runs a prompt with these servers, and returns what Claude Code says. */
    async ask(mcpServers: Record<string, object>, prompt: string): Promise<string> {
      await mkdir(join(folder, 'home'), { recursive: true })
      const config = join(folder, 'mcp.json')
      await writeFile(config, JSON.stringify({ mcpServers }), { mode: 0o600 })
      const names = Object.keys(mcpServers).map(name => `mcp__${name}`)
      const { stdout, stderr } = await run(
        join(claude, 'claude'),
        [
          ...['-p', '--output-format', 'json', '--strict-mcp-config', '--mcp-config', config],
          ...['--allowedTools', names.join(','), '--', prompt],
        ],
        {
          cwd: folder,
          timeout: 120_000,
          env: {
            PATH: process.env.PATH,
            HOME: join(folder, 'home'),
            ANTHROPIC_BASE_URL: model.httpUrl,
            ANTHROPIC_API_KEY: 'of-the-stand-in',
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
            // The scripted model names a tool without searching for it.
            ENABLE_TOOL_SEARCH: 'false',
          },
        },
      )
      try {
        return String(JSON.parse(stdout).result)
      } catch {
        throw new Error(`Claude Code gave no result: ${stdout}${stderr}`)
      }
    },
  }
}
