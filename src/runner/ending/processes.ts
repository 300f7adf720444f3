import { readdirSync, readFileSync } from 'node:fs'

/** A process as /proc shows it. The start time distinguishes it from a later one with the same pid. */
export type ProcessEntry = { pid: number; parent: number; state: string; started: string }

/** Returns all visible processes, including zombies. */
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
  } catch {
    // The process has ended meanwhile.
    return null
  }
}

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
