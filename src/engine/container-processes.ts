import { readdirSync, readFileSync } from 'node:fs'
import { settleConcurrently } from '../base/async.ts'
import type { Engine } from './engine.ts'

/** A process of a container: its command line and its start (milliseconds since 1970). */
export type ContainerProcess = { command: string; since: number }

/** Maximum concurrent questions: the engine starts a `ps` for each. */
const asked = 4

/**
 * Returns the processes of many containers, by container id. Reads them from /proc of this machine, because
 * the engine starts a process for each container; asks the engine only about containers not seen there.
 */
export async function containerProcesses(
  engine: Pick<Engine, 'processesWithAge'>,
  containers: readonly string[],
  proc = '/proc',
): Promise<Map<string, ContainerProcess[]>> {
  const found = readHostProcesses(containers, proc)
  const unseen = containers.filter(id => !found.has(id))
  await settleConcurrently(unseen, asked, async id => {
    const now = Date.now()
    const rows = await engine.processesWithAge(id)
    found.set(
      id,
      rows.map(({ command, seconds }) => ({ command, since: now - seconds * 1000 })),
    )
  })
  return found
}

/** Leaves out containers without a visible process: their engine may be on another machine. */
export function readHostProcesses(
  containers: readonly string[],
  proc = '/proc',
): Map<string, ContainerProcess[]> {
  const found = new Map<string, ContainerProcess[]>()
  if (containers.length === 0) return found
  const wanted = new Set(containers)
  const booted = bootTime(proc)
  if (booted === null) return found
  for (const pid of processIds(proc)) {
    try {
      const id = containerOf(readFileSync(`${proc}/${pid}/cgroup`, 'utf8'), wanted)
      if (!id) continue
      const command = readFileSync(`${proc}/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      const since = booted + startedAfter(readFileSync(`${proc}/${pid}/stat`, 'utf8'))
      const list = found.get(id) ?? []
      list.push({ command, since })
      found.set(id, list)
    } catch {
      // The process ended in the meantime, or belongs to another user.
    }
  }
  return found
}

function processIds(proc: string) {
  try {
    return readdirSync(proc).filter(name => /^\d+$/.test(name))
  } catch {
    return []
  }
}

/** Matches `…/docker/<id>`, `…/docker-<id>.scope`, `…/libpod-<id>.scope`, and groups below them. */
function containerOf(cgroup: string, wanted: ReadonlySet<string>): string | null {
  for (const [id] of cgroup.matchAll(/[0-9a-f]{64}/g)) if (wanted.has(id)) return id
  return null
}

/** Returns milliseconds since 1970; null when this is not Linux. */
function bootTime(proc: string): number | null {
  try {
    const seconds = /^btime (\d+)$/m.exec(readFileSync(`${proc}/stat`, 'utf8'))?.[1]
    return seconds ? Number(seconds) * 1000 : null
  } catch {
    return null
  }
}

/** Reads the 22nd field, which Linux reports in hundredths of a second. The 2nd field can contain anything. */
function startedAfter(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[19] ?? 0) * 10
}
