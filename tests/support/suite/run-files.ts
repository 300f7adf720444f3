import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { bundled, processMain } from './bundle-paths.ts'
import type { createTapSummary, TapStream } from './tap-summary.ts'

const root = join(import.meta.dirname, '../../..')

export type RunFiles = {
  files: readonly string[]
  summary: ReturnType<typeof createTapSummary>
  print: (line: string) => void
  /** Seconds that one file may take. */
  timeout: number
  env?: Record<string, string>
  /** The Node.js to run them with; the one of this process by default. */
  node?: string
  /** The folder of a bundle that has the files; without one, tsx loads them. */
  bundle?: string
}

/**
 * Runs test files in `processes` processes side by side. Each asks for its next file when it is done
 * with one, so that neither waits for the other. Returns whether all files passed.
 */
export async function runInProcesses(processes: number, options: RunFiles): Promise<boolean> {
  const queue = [...options.files]
  const results = await Promise.all(
    Array.from({ length: Math.min(processes, queue.length) }, () =>
      runProcess(() => queue.shift() ?? null, options),
    ),
  )
  // After a crash the files behind the crashed one are still there.
  return queue.length > 0
    ? (await runInProcesses(processes, { ...options, files: queue })) && false
    : results.every(Boolean)
}

/** Runs one process until `next` has no more files for it. */
export async function runProcess(
  next: () => string | null,
  { summary, print, timeout, env = {}, node = process.execPath, bundle }: RunFiles,
): Promise<boolean> {
  const stream = summary.stream()
  let current: string | null = null
  let passed = true
  const child = spawn(
    node,
    [
      '--require',
      join(import.meta.dirname, 'no-async-hooks.cjs'),
      ...(bundle
        ? ['--enable-source-maps', join(bundle, bundled(processMain))]
        : ['--import', 'tsx', processMain]),
    ],
    // tap's own limit is for a whole process.
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        ...{ ...process.env, ...env, TAP_TIMEOUT: '0', TEST_FILE_TIMEOUT: `${timeout}` },
        ...(bundle && { TEST_BUNDLE: bundle }),
      },
    },
  )
  // For a file that keeps its process from running timers; tap ends all others in time.
  let watchdog: NodeJS.Timeout | undefined
  const watch = () => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => child.kill('SIGKILL'), (timeout + 60) * 1000)
  }
  child.on('message', message => {
    // tap sends messages of its own.
    if (message !== 'next') return
    current = next()
    watch()
    child.send(current ?? '')
  })
  const ended = new Promise<string | null>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('close', (code, signal) =>
      resolve(code === 0 ? null : signal ? `ended by ${signal}` : `exit code ${code}`),
    )
  })
  const [, stderr, failure] = await Promise.all([
    follow(child.stdout ?? Readable.from([]), stream, line => {
      if (line.startsWith('not ok')) passed = false
    }),
    collect(child.stderr ?? Readable.from([])),
    ended,
  ])
  clearTimeout(watchdog)
  const complete = stream.end()
  if (!complete || (failure && passed)) {
    summary.fail()
    print(`FAILED ${current ?? 'after the last file'}: the test process ended early (${failure})`)
    passed = false
  }
  if (!passed && stderr.trim()) print(stderr.trimEnd())
  return passed && complete && failure === null
}

async function follow(
  output: NodeJS.ReadableStream,
  stream: TapStream,
  each: (line: string) => void,
) {
  for await (const line of createInterface({ input: output })) {
    stream.line(line)
    each(line)
  }
}

async function collect(output: NodeJS.ReadableStream) {
  let text = ''
  for await (const chunk of output) text = (text + chunk).slice(-20_000)
  return text
}
