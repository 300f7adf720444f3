import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { terminalLine } from '../../base/terminal-text.ts'
import { createLineSplitter, type Line } from '../../files/lines.ts'
import { presentBelow, settle, sweep } from '../ending/sweep.ts'

/** Longest line of claude's that is passed on: a tool result may be large, its sum is not ours to hold. */
export const lineBytes = 8 * 1024 * 1024

const settleMilliseconds = 300

/** How a process came to its end. */
export type Exit = {
  exitCode: number | null
  signal: string | null
  /** Processes besides claude that had to be killed. */
  swept: number
}

export type ClaudeProcess = {
  pid: number
  /** Takes what claude writes to stdout; the next line is read when it has returned. */
  onLine: (line: Line) => Promise<void> | void
  onStderr: (text: string) => void
  write: (text: string) => void
  endInput: () => void
  signal: (name: 'SIGINT' | 'SIGTERM' | 'SIGUSR1') => void
  /** The supervisor itself. What is below it must be gone before. */
  kill: () => void
  /** When nothing is left of it. Never rejects. */
  ended: Promise<Exit>
  hasEnded: () => boolean
  /** The processes that it has now, for `sweep`. */
  present: () => Set<string>
  /** Gives what is below it, but for those to keep, a moment to end; returns whether it did. */
  settle: (keep: ReadonlySet<string>) => Promise<boolean>
  /** Kills what is below it, but for those to keep; says how many. */
  sweep: (keep?: ReadonlySet<string>) => Promise<number>
}

export type Launch = {
  file: string
  args: readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
  /** Whether what becomes an orphan while it runs is its own: in a container that is the runner's. */
  orphans: boolean
}

/** claude below its supervisor (claude/scripts/claude-secure-supervise). */
export function startClaude({ file, args, cwd, env, orphans }: Launch): ClaudeProcess {
  const child = spawn(file, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
  const { stdin, stdout, stderr } = child as ChildProcess & {
    stdin: Writable
    stdout: Readable
    stderr: Readable
  }
  const report = child.stdio[3] as Readable
  const pid = child.pid ?? 0
  let isEnded = false
  const claude: ClaudeProcess = {
    pid,
    onLine: () => {},
    onStderr: () => {},
    // Bounded: a request is, and claude's own input is not read before its prompt is.
    write: text => stdin.write(text),
    endInput: () => stdin.end(),
    signal: name => child.kill(name),
    kill: () => child.kill('SIGKILL'),
    ended: Promise.resolve({ exitCode: null, signal: null, swept: 0 }),
    hasEnded: () => isEnded,
    present: () => presentBelow(pid),
    settle: keep => settle(pid, keep, settleMilliseconds),
    sweep: keep => sweep({ root: pid, keep, orphans }),
  }
  // claude may end before it has read everything.
  stdin.on('error', () => {})
  stderr.setEncoding('utf8').on('data', (text: string) => claude.onStderr(text))
  const output = pump(stdout, line => claude.onLine(line))
  claude.ended = watch(child, report, output, claude.sweep).then(ending => {
    isEnded = true
    return ending
  })
  return claude
}

async function pump(stdout: Readable, take: (line: Line) => Promise<void> | void) {
  const splitter = createLineSplitter(lineBytes)
  try {
    for await (const chunk of stdout) for (const line of splitter.push(chunk)) await take(line)
    for (const line of splitter.end()) await take(line)
  } catch {
    // The stream was closed under it, because its process has ended.
  }
}

async function watch(
  child: ChildProcess,
  report: Readable,
  output: Promise<void>,
  sweepRest: () => Promise<number>,
): Promise<Exit> {
  const said = text(report).catch(() => '')
  const failed = once(child, 'error').then(([error]) => terminalLine(String(error)))
  const result = await Promise.race([once(child, 'exit').then(() => null), failed])
  if (result !== null) return { exitCode: null, signal: null, swept: 0 }
  // The supervisor has seen to it that nothing is left; where it was killed itself, orphans are.
  const more = await sweepRest()
  const [exitCode, signal, swept] = parseReport(await said)
  await output
  return { exitCode, signal, swept: swept + more }
}

/** The supervisor's last line; where it is missing somebody killed it. */
export function parseReport(line: string): [number | null, string | null, number] {
  const [, code, signal, swept] = /^(-|\d{1,3}) (-|\d{1,3}) (\d{1,9})$/m.exec(line) ?? []
  if (code === undefined || signal === undefined) return [null, 'SIGKILL', 0]
  return [code === '-' ? null : Number(code), signalName(signal), Number(swept)]
}

const names = new Map([
  ['2', 'SIGINT'],
  ['6', 'SIGABRT'],
  ['9', 'SIGKILL'],
  ['11', 'SIGSEGV'],
  ['15', 'SIGTERM'],
])

function signalName(number: string): string | null {
  return number === '-' ? null : (names.get(number) ?? `signal ${number}`)
}
