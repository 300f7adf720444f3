import { readdirSync, readFileSync } from 'node:fs'

/** A process as /proc shows it. The start time tells it from a later one with the same number. */
export type ProcessEntry = { pid: number; parent: number; state: string; started: string }

/** All processes that can be seen, zombies too. */
export function readProcesses(folder = '/proc'): ProcessEntry[] {
  return readdirSync(folder)
    .filter(name => /^\d+$/.test(name))
    .map(name => readProcess(folder, name))
    .filter(entry => entry !== null)
}

/** How many there are, of whom nothing else is asked. */
export function countProcesses(folder = '/proc'): number {
  return readdirSync(folder).filter(name => /^\d+$/.test(name)).length
}

function readProcess(folder: string, name: string): ProcessEntry | null {
  try {
    return parseProcessStat(readFileSync(`${folder}/${name}/stat`, 'latin1'))
  } catch {
    // It has ended meanwhile.
    return null
  }
}

/** The name in parentheses is the process's own choice: only what follows the last one is the kernel's. */
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
 * Returns everything below `root`, without itself. A process that never started has no number and no
 * descendants; 0 is the kernel's parent of init, and below it is everything.
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
