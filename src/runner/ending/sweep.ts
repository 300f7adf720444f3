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
  /** Below which processes are looked for. */
  root: number
  /** Those that may stay, as `identityOf` tells them. */
  keep?: ReadonlySet<string> | undefined
  /** Whether orphans go too: only where all that init has are the runner's. */
  orphans: boolean
  read?: () => ProcessEntry[]
  kill?: (pid: number) => void
}

/**
 * Kills what lives below `root`, and orphans: a process of a run becomes a child of init only when its
 * supervisor was killed. Looks again until two looks in a row found nothing, because a process that
 * forks while it is looked for can be missed once.
 *
 * @returns how many were killed
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
 * What init has besides the runner, and what is below it: a process comes there only when its supervisor
 * is dead. Below it, because one of many threads shows as dead, and keeps its children, until the last
 * of them has ended.
 */
export function orphansIn(processes: readonly ProcessEntry[], runner = process.pid) {
  return processes
    .filter(({ parent, pid }) => parent === init && pid !== runner)
    .flatMap(orphan => [orphan, ...descendantsOf(orphan.pid, processes)])
}

/**
 * Waits for processes that end by themselves: Claude Code runs git and the like now and then, which is not
 * a stray. Returns at once when there is nothing to wait for.
 *
 * @returns whether nothing but those to keep is left
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

/** The processes below `root` as they are now, to be kept by a later `sweep`. */
export function presentBelow(root: number): Set<string> {
  return new Set(descendantsOf(root, readProcesses()).map(identityOf))
}

function killHard(pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
