import { until } from '../../base/until.ts'
import {
  descendantsOf,
  identityOf,
  isAlive,
  type ProcessEntry,
  readProcesses,
} from './processes.ts'

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
}

/**
 * Kills the descendants of `root`, and orphans: a process of a run becomes a child of init only when its
 * reaper was killed. Repeats until two scans in a row find nothing, because a scan can miss a process that
 * forks meanwhile.
 *
 * @returns the number of processes killed
 */
export async function sweep(options: SweepOptions): Promise<number> {
  const { root, keep, read = readProcesses, kill = killHard } = options
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

/** Returns the present descendants of `root`, for a later `sweep` to keep. */
export function currentDescendants(root: number): Set<string> {
  return new Set(descendantsOf(root, readProcesses()).map(identityOf))
}

function killHard(pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
