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
  keep?: ReadonlySet<string>
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
export async function sweep({ root, keep, read = readProcesses, kill = killHard }: SweepOptions) {
  const killed = new Set<string>()
  for (let quiet = 0; quiet < 2; ) {
    const left = strays(read(), root).filter(entry => !keep?.has(identityOf(entry)))
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

/** Of a whole container whose init is process 1; where the runner is no child of init there are none. */
export function orphans(processes: readonly ProcessEntry[], runner = process.pid): ProcessEntry[] {
  const self = processes.find(({ pid }) => pid === runner)
  if (self?.parent !== init) return []
  return processes.filter(entry => entry.parent === init && entry.pid !== runner && isAlive(entry))
}

function strays(processes: readonly ProcessEntry[], root: number): ProcessEntry[] {
  return [...descendantsOf(root, processes).filter(isAlive), ...orphans(processes)]
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
