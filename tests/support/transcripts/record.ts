/**
 * Keeps what the real Claude Code says in stream-json, as fixtures in tests/fixtures/transcripts:
 *
 *     bin/tsrun tests/support/transcripts/record.ts [NAME…]
 *
 * Claude Code and the stand-in model share one container without a network.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { repository } from '../stack/checkout.ts'
import { must, run } from '../stack/process.ts'
import { type Scenario, scenarios } from './scenarios.ts'

const port = 8787

const image = (
  await must('docker', ['images', '--format', '{{.Repository}}:{{.Tag}}', 'claude-secure/claude'])
).split('\n')[0]
if (!image) throw new Error('there is no claude image: ./claude.ts setup builds it')

const folder = await mkdtemp(join(tmpdir(), 'claude-secure-transcripts-'))
const container = await prepare(folder, image)
try {
  const names = process.argv.slice(2)
  for (const scenario of scenarios.filter(({ name }) => !names.length || names.includes(name))) {
    const lines = await record(scenario)
    const path = join(repository, 'tests/fixtures/transcripts', `${scenario.name}.ndjson`)
    await writeFile(path, `${lines.join('\n')}\n`)
    console.log(`${scenario.name}: ${lines.length} lines`)
  }
} finally {
  await run('docker', ['rm', '--force', container])
  await rm(folder, { recursive: true })
}

async function prepare(folder: string, image: string) {
  await build({
    absWorkingDir: repository,
    entryPoints: { model: 'tests/support/messages-api/main.ts' },
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: {
      js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);",
    },
    logLevel: 'error',
  })
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await must('chmod', ['-R', 'a+rX', folder])
  const options = ['--detach', '--init', '--network', 'none', '--add-host', 'gateway:127.0.0.1']
  const id = await must('docker', [
    ...['run', ...options, '--volume', `${folder}:/standin:ro`, image],
    ...['sh', '-c', 'claude-secure-seed && exec sleep infinity'],
  ])
  return id.trim()
}

async function record(scenario: Scenario): Promise<string[]> {
  const upstream = scenario.unreachable ? 1 : port
  await run('docker', ['exec', container, 'pkill', 'node'])
  const args = ['--print', '--input-format', 'stream-json', '--output-format', 'stream-json']
  args.push('--verbose', '--include-partial-messages', '--dangerously-skip-permissions')
  const input = [
    {
      type: 'control_request',
      request_id: 'r1',
      request: { subtype: 'initialize', ...scenario.initialize },
    },
    ...scenario.prompts.map(content => ({
      type: 'user',
      message: { role: 'user', content },
      parent_tool_use_id: null,
      session_id: '',
    })),
  ]
  const script = `HTTP_PORT=${upstream === port ? port : 8790} HTTPS_PORT=0 node /standin/model.js > /dev/null &
    sleep 1; timeout 120 claude "$@"; kill %1 2> /dev/null; wait`
  const { stdout, stderr } = await run(
    'docker',
    [
      ...['exec', '--interactive', '--env', 'ANTHROPIC_API_KEY=sk-ant-api03-placeholder'],
      ...['--env', 'CLAUDE_CODE_MAX_RETRIES=2', container],
      ...['bash', '-c', script, 'bash', ...args, ...(scenario.args ?? [])],
    ],
    { input: input.map(line => `${JSON.stringify(line)}\n`).join('') },
  )
  if (stderr) console.error(stderr)
  // What answers our own control requests is the runner's, and no message of the run.
  return stdout.split('\n').filter(line => line && !line.startsWith('{"type":"control_response"'))
}
