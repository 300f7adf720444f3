import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { oneLineJson } from '../../base/json.ts'
import { createLineSplitter, type Line } from '../../files/lines.ts'
import { readRegularFileSync, textOf } from '../../files/regular-file.ts'
import { clientServer } from '../../run/client-tools.ts'
import type { Prompt, RunRequest } from '../../run/request.ts'
import { ownProcesses, settle, sweep } from '../ending/sweep.ts'
import { heldWorkspace } from './confine.ts'

type Control = { subtype: string; [key: string]: unknown }

const line = (message: object) => `${oneLineJson(message)}\n`

const control = (id: string, request: Control) =>
  line({ type: 'control_request', request_id: id, request })

/** File that the stack mounts if the user has always-skills. Root owns it, so that no run can change it. */
export const standingPromptFile = '/etc/claude-secure/append-system-prompt.md'

/** Maximum bytes: the limit of `start`, plus room for its headings. */
const standingBytes = 2 * 1024 * 1024

/** Reads the user's text for the end of every run's system prompt, before the run's own; null for none. */
export function readStandingPrompt(path: string): string | null {
  return textOf(readRegularFileSync(path, { limit: standingBytes }))
}

/**
 * Renders the run's texts and schema. Claude Code accepts them once in the life of a process.
 *
 * @param standing the user's text at the end of every run's system prompt; null for none
 */
export function initializeLine(request: RunRequest, standing: string | null): string {
  const { systemPrompt, jsonSchema, clientTools = [] } = request
  const appended = [standing, request.appendSystemPrompt].filter(Boolean).join('\n\n')
  return control('initialize', {
    subtype: 'initialize',
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(appended !== '' && { appendSystemPrompt: appended }),
    ...(jsonSchema !== undefined && { jsonSchema }),
    ...(clientTools.length > 0 && { sdkMcpServers: [clientServer] }),
  })
}

/** Renders the settings for a process that was started before they were known. */
export function settingLines({ model, effort }: Pick<RunRequest, 'model' | 'effort'>): string {
  return [
    model === undefined ? '' : control('model', { subtype: 'set_model', model }),
    effort === undefined
      ? ''
      : control('effort', { subtype: 'apply_flag_settings', settings: { effortLevel: effort } }),
  ].join('')
}

/** Renders the prompt as a plain message, regardless of its text. */
export function promptLine(prompt: Prompt): string {
  return line({
    type: 'user',
    message: { role: 'user', content: prompt },
    parent_tool_use_id: null,
    session_id: '',
  })
}

/** Maximum bytes of a line that is passed on: a tool result may be large, but memory is limited. */
export const lineBytes = 8 * 1024 * 1024

const settleMilliseconds = 300

/** How a process ended. */
export type Exit = {
  exitCode: number | null
  signal: string | null
  /** Number of processes, other than claude, that were killed. */
  swept: number
}

export type ClaudeProcess = {
  pid: number
  /** Receives a line of claude's stdout; the next line is read when it has returned. */
  onLine: (line: Line) => Promise<void> | void
  onStderr: (text: string) => void
  write: (text: string) => void
  endInput: () => void
  signal: (name: 'SIGINT' | 'SIGTERM' | 'SIGUSR1') => void
  /** Kills the reaper itself. Its descendants must have ended before. */
  kill: () => void
  /** Ends the runner, and so all runs: whether the process has ended is unknown. Never returns. */
  giveUp: GiveUp
  /** Resolves when nothing of the process is left. Never rejects. */
  ended: Promise<Exit>
  hasEnded: () => boolean
  /** Returns claude and its present servers, for `settle` and `sweep` to keep. */
  present: () => Set<string>
  /** Waits briefly for its descendants to end, except those to keep; returns whether they did. */
  settle: (keep: ReadonlySet<string>, milliseconds?: number) => Promise<boolean>
  /** Kills its descendants, except those to keep; returns their number. */
  sweep: (keep?: ReadonlySet<string>) => Promise<number>
}

/** Reports the failure and ends the program. */
export type GiveUp = (error: unknown) => never

export type ProcessOptions = {
  file: string
  args: readonly string[]
  cwd: string
  /** Descriptor of the working folder, held open: the process starts in it, and inherits it. */
  folder?: number | null
  env: NodeJS.ProcessEnv
  /** Whether all children of init belong to the runner. */
  orphans: boolean
  /** Whether claude has MCP servers of the user, which live as long as claude. */
  hasServers: boolean
  giveUp: GiveUp
}

/**
 * Starts claude below its reaper (claude/scripts/claude-secure-reaper). Gives up when its processes can no
 * longer be listed, signalled or killed.
 */
export function startClaude(options: ProcessOptions): ClaudeProcess {
  const { file, args, folder, env, orphans, hasServers, giveUp } = options
  const isHeld = folder !== undefined && folder !== null
  const child = spawn(file, args, {
    // The fifth one is `heldDescriptor`.
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', ...(isHeld ? [folder] : [])],
    cwd: isHeld ? heldWorkspace : options.cwd,
    env,
  })
  // Node creates no streams when the runner has no file descriptor left: then it cannot sweep either.
  if (!child.stdin) return giveUp(new Error('no file descriptors are left to start claude'))
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
    // Does not wait for `drain`: a request is bounded, and claude may read nothing before its prompt.
    write: text => stdin.write(text),
    endInput: () => stdin.end(),
    signal: name => child.kill(name),
    kill: () => child.kill('SIGKILL'),
    giveUp,
    ended: Promise.resolve({ exitCode: null, signal: null, swept: 0 }),
    hasEnded: () => isEnded,
    present: () => {
      try {
        return ownProcesses(pid, hasServers)
      } catch (error) {
        return giveUp(error)
      }
    },
    settle: (keep, milliseconds = settleMilliseconds) =>
      settle(pid, keep, milliseconds).catch(giveUp),
    sweep: keep => sweep({ root: pid, keep, orphans }).catch(giveUp),
  }
  // Node emits the error of a refused signal too.
  child.on('error', error => {
    if (child.pid !== undefined) giveUp(error)
  })
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
    // The stream was closed early, because its process has ended.
  }
}

async function watch(
  child: ChildProcess,
  report: Readable,
  output: Promise<void>,
  sweepRest: () => Promise<number>,
): Promise<Exit> {
  const reported = text(report).catch(() => '')
  if (child.pid === undefined) {
    await once(child, 'error')
    return { exitCode: null, signal: null, swept: 0 }
  }
  await once(child, 'exit')
  // The reaper leaves nothing behind; if it was killed itself, orphans are left.
  const more = await sweepRest()
  const [exitCode, signal, swept] = parseReport(await reported)
  await output
  return { exitCode, signal, swept: swept + more }
}

/** Parses the reaper's last line. A missing line means that the reaper was killed. */
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
