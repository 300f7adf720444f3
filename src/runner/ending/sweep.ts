import { readdirSync, readFileSync } from 'node:fs'
import { until } from '../../base/async.ts'
import { systemCode } from '../../base/errors.ts'

/** A process as /proc shows it. The start time distinguishes it from a later one with the same pid. */
export type ProcessEntry = { pid: number; parent: number; state: string; started: string }

/**
 * Returns all visible processes, including zombies. Throws when one cannot be read: a process that is left
 * out would outlive its run.
 */
export function readProcesses(folder = '/proc'): ProcessEntry[] {
  return readdirSync(folder)
    .filter(name => /^\d+$/.test(name))
    .map(name => readProcess(folder, name))
    .filter(entry => entry !== null)
}

/** Counts the processes without reading their state. */
export function countProcesses(folder = '/proc'): number {
  return readdirSync(folder).filter(name => /^\d+$/.test(name)).length
}

function readProcess(folder: string, name: string): ProcessEntry | null {
  try {
    return parseProcessStat(readFileSync(`${folder}/${name}/stat`, 'latin1'))
  } catch (error) {
    if (hasEnded(error)) return null
    throw error
  }
}

const hasEnded = (error: unknown) => ['ENOENT', 'ESRCH'].includes(systemCode(error) ?? '')

/** Parses /proc/PID/stat. The process itself chooses the name in parentheses, which may contain more of them. */
export function parseProcessStat(line: string): ProcessEntry | null {
  const [, pid] = /^(\d+) \(/.exec(line) ?? []
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [state, parent, started] = [fields[0], fields[1], fields[19]]
  if (!pid || !state || !parent || !started) return null
  return { pid: Number(pid), parent: Number(parent), state, started }
}

export const isAlive = ({ state }: ProcessEntry) => state !== 'Z' && state !== 'X'

export const identityOf = ({ pid, started }: ProcessEntry) => `${pid}:${started}`

/**
 * Returns all descendants of `root`. Returns none for 0, the pid of a process that never started: in /proc,
 * 0 is the parent of init, and everything descends from it.
 */
export function descendantsOf(root: number, processes: readonly ProcessEntry[]): ProcessEntry[] {
  if (root <= 0) return []
  const children = new Map<number, ProcessEntry[]>()
  for (const entry of processes) {
    const siblings = children.get(entry.parent)
    if (siblings) siblings.push(entry)
    else children.set(entry.parent, [entry])
  }
  const found: ProcessEntry[] = []
  const queue = [root]
  for (const parent of queue) {
    for (const child of children.get(parent) ?? []) {
      found.push(child)
      queue.push(child.pid)
    }
  }
  return found
}

const init = 1

export type SweepOptions = {
  /** Pid whose descendants are killed. */
  root: number
  /** Processes to keep, by `identityOf`. */
  keep?: ReadonlySet<string> | undefined
  /** Whether to kill orphans too: only where all children of init belong to the runner. */
  orphans: boolean
  read?: () => ProcessEntry[]
  kill?: (pid: number) => void
  /** Milliseconds after which it throws. */
  timeout?: number
}

/** A process that survives SIGKILL for so long waits in the kernel, or forks faster than it is killed. */
const sweepMilliseconds = 10_000

/**
 * Kills the descendants of `root`, and orphans: a process of a run becomes a child of init only when its
 * reaper was killed. Repeats until two scans in a row find nothing, because a scan can miss a process that
 * forks meanwhile. Throws when it cannot read or kill a process, or does not come to an end.
 *
 * @returns the number of processes killed
 */
export async function sweep(options: SweepOptions): Promise<number> {
  const { root, keep, read = readProcesses, kill = killHard, timeout = sweepMilliseconds } = options
  const deadline = performance.now() + timeout
  const killed = new Set<string>()
  for (let quiet = 0; quiet < 2; ) {
    const processes = read()
    const found = [
      ...descendantsOf(root, processes),
      ...(options.orphans ? orphansIn(processes) : []),
    ]
    const left = found.filter(entry => isAlive(entry) && !keep?.has(identityOf(entry)))
    for (const entry of left) {
      killed.add(identityOf(entry))
      kill(entry.pid)
    }
    if (left.length === 0) quiet++
    else {
      quiet = 0
      if (performance.now() > deadline) throw new Error(`${left.length} processes survive SIGKILL`)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  }
  return killed.size
}

/**
 * Returns the children of init other than the runner, and their descendants: a process becomes a child of
 * init only when its reaper is dead. Includes descendants, because a process whose main thread has ended
 * shows as dead, and keeps its children, until its last thread has ended.
 */
export function orphansIn(processes: readonly ProcessEntry[], runner = process.pid) {
  return processes
    .filter(({ parent, pid }) => parent === init && pid !== runner)
    .flatMap(orphan => [orphan, ...descendantsOf(orphan.pid, processes)])
}

/**
 * Waits for processes that end by themselves, such as git, which Claude Code runs now and then. Returns at
 * once when there are none.
 *
 * @returns whether only the processes to keep are left
 */
export async function settle(
  root: number,
  keep: ReadonlySet<string>,
  milliseconds: number,
): Promise<boolean> {
  const isQuiet = () =>
    descendantsOf(root, readProcesses()).every(
      entry => !isAlive(entry) || keep.has(identityOf(entry)),
    )
  return (await until(isQuiet, { every: 10, timeout: milliseconds })) === true
}

/**
 * Returns claude's own processes, for a later `sweep` to keep: the command of the reaper `root`, which is its
 * oldest child, and the command's descendants if it has servers. Every other process below the reaper has left the
 * command's tree, as a daemon of a SessionStart hook does.
 */
export function ownProcesses(
  root: number,
  hasServers: boolean,
  processes: readonly ProcessEntry[] = readProcesses(),
): Set<string> {
  const [command] = processes
    .filter(({ parent }) => parent === root)
    .sort((a, b) => Number(a.started) - Number(b.started) || a.pid - b.pid)
  if (!command) return new Set()
  const servers = hasServers ? descendantsOf(command.pid, processes) : []
  return new Set([command, ...servers].map(identityOf))
}

function killHard(pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!hasEnded(error)) throw error
  }
}
