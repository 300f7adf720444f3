import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderStack } from '../../src/stack/identity.ts'
import { must, run, until } from '../../tests/support/stack/process.ts'
import type { Figure } from '../figure.ts'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import type { Command, System } from '../system.ts'
import { peakMemory, wholeTime } from '../timed-command.ts'

type Growth = NonNullable<System['growth']>

const label = 'claude-secure.bench=growth'
const lines = { few: 1_000, many: 100_000 }

/** How the time of a command grows with the number of items: at most in proportion. */
export const growthRow: Row = {
  id: 'P14',
  async measure({ growth }, repetitions) {
    if (!growth) return null
    try {
      return [
        ...(await measureList(growth, repetitions)),
        ...(await measureLog(growth, repetitions)),
      ]
    } finally {
      await removeAll()
    }
  },
}

async function measureList({ cli, image }: Growth, repetitions: number): Promise<Figure[]> {
  const list = withArguments(cli, 'list', '--json')
  const there = await countStacks(list)
  const samples = new Map<number, number[]>([1, 10, 50].map(size => [size, []]))
  const measure = async (size: number, times: number) => {
    // The first call warms caches and is not counted.
    await wholeTime(list)
    for (let i = 0; i < times; i++) samples.get(size)?.push(await wholeTime(list))
  }
  let running = 0
  for (const size of samples.keys()) {
    for (; running < size; running++)
      await startOne(image, `/bench/${running}`, ['sleep', 'infinity'])
    // Half of the smallest size runs before the others and half after, to reveal a machine that slows
    // down.
    await measure(size, size === 1 ? Math.ceil(repetitions / 2) : repetitions)
  }
  await removeAll()
  await startOne(image, '/bench/0', ['sleep', 'infinity'])
  await measure(1, Math.floor(repetitions / 2))
  await removeAll()
  return [10, 50].map(size => ({
    row: 'P14',
    what: `\`list --json\` of ${size} more workspaces, against 1`,
    unit: 'ms',
    ours: samples.get(size) ?? [],
    baseline: samples.get(1) ?? [],
    target: { kind: 'ratio-at-most', ratio: round((size + there) / (1 + there)) },
  }))
}

async function measureLog({ cli, image }: Growth, repetitions: number): Promise<Figure[]> {
  const folders = {
    few: await mkdtemp(join(tmpdir(), 'claude-secure-bench-few-')),
    many: await mkdtemp(join(tmpdir(), 'claude-secure-bench-many-')),
  }
  try {
    for (const size of ['few', 'many'] as const) {
      const id = await startOne(image, folders[size], writeLines(lines[size]), 'proxy')
      await until('the lines of a log', async () => {
        const { stdout } = await run('docker', ['logs', '--tail', '1', id])
        return stdout.startsWith('written')
      })
    }
    const log = (size: keyof typeof folders) => ({
      ...withArguments(cli, 'log', '--denied'),
      cwd: folders[size],
    })
    const time = await interleave(repetitions, {
      ours: () => wholeTime(log('many')),
      baseline: () => wholeTime(log('few')),
    })
    const memory = await interleave(Math.ceil(repetitions / 2), {
      ours: () => peakMemory(log('many')),
      baseline: () => peakMemory(log('few')),
    })
    const what = '`log --denied` over 100,000 lines, against 1,000'
    return [
      {
        ...{ row: 'P14', what, unit: 'ms', ...time },
        target: { kind: 'ratio-at-most', ratio: lines.many / lines.few },
      },
      {
        ...{ row: 'P14', what: `${what}: memory`, unit: 'MiB', ...memory },
        target: { kind: 'ratio-at-most', ratio: 1.5 },
      },
    ]
  } finally {
    for (const folder of Object.values(folders)) await rm(folder, { recursive: true })
  }
}

/** Writes lines in the proxy's log format, every other one a refusal. */
function writeLines(count: number): string[] {
  const program = `
    const line = verdict => JSON.stringify({ ts: 1795285939.121, caller: 'agent', method: 'CONNECT',
      host: 'registry.example.test', port: '443', sni: 'registry.example.test', verdict,
      reason: verdict === 'denied' ? 'not-listed' : '-', status: 'TCP_TUNNEL/200', bytes: 5120,
      sent: 812, ms: 431 }) + '\\n'
    const both = line('denied') + line('allowed')
    for (let i = 0; i < ${count / 2}; i += 100) require('fs').writeSync(1, both.repeat(Math.min(100, ${count / 2} - i)))
    require('fs').writeSync(1, 'written\\n')
    setInterval(() => {}, 1e9)`
  return ['node', '-e', program]
}

/** Starts a minimal stack, as the engine sees one; resolves with the container's id. */
async function startOne(
  image: string,
  workspace: string,
  [entrypoint = '', ...args]: readonly string[],
  service = 'claude',
): Promise<string> {
  const labels = [
    label,
    `claude-secure.stack=${folderStack(workspace).name}`,
    `claude-secure.workspace=${workspace}`,
    'claude-secure.workspace-mode=mount',
    'claude-secure.credentials=api-key',
    `com.docker.compose.service=${service}`,
  ]
  const options = ['--detach', '--init', '--network', 'none', '--pull', 'never']
  const id = await must('docker', [
    ...['run', ...options, ...labels.flatMap(text => ['--label', text])],
    ...['--log-driver', 'json-file', '--entrypoint', entrypoint, image, ...args],
  ])
  return id.trim()
}

async function removeAll() {
  const ids = await must('docker', ['ps', '--all', '--quiet', '--filter', `label=${label}`])
  const list = ids.split('\n').filter(Boolean)
  if (list.length > 0) await must('docker', ['rm', '--force', '--volumes', ...list])
}

/** Counts all listed stacks, including those that are unrelated to this row. */
async function countStacks({ argv: [file, ...args], cwd, env }: Command): Promise<number> {
  const report = JSON.parse(await must(file, args, { cwd, env }))
  return report.stacks.length
}

function withArguments(command: Command, ...args: string[]): Command {
  return { ...command, argv: [...command.argv, ...args] }
}

function round(ratio: number) {
  return Math.round(ratio * 10) / 10
}
