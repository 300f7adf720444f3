import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { must } from './process.ts'

/** Resets the kernel's record of a process's peak memory (proc(5), clear_refs). */
const resetPeak = '5'

/**
 * Measures by how many MiB the processes of containers grow at most while `body` runs. From the kernel's own record,
 * so that no peak falls between two looks; file pages that nobody needs do not count.
 */
export async function memoryGrowth(
  containers: readonly string[],
  body: () => Promise<unknown>,
): Promise<number> {
  const pids = (await Promise.all(containers.map(processesOf))).flat()
  const before = new Map(
    pids.map(pid => {
      writeFileSync(`/proc/${pid}/clear_refs`, resetPeak)
      return [pid, statusOf(pid, 'VmRSS')]
    }),
  )
  await body()
  const grown = pids.map(pid => statusOf(pid, 'VmHWM') - (before.get(pid) ?? 0))
  return grown.reduce((sum, mib) => sum + Math.max(0, mib), 0)
}

/** Returns the resident memory of a container's processes in MiB. */
export async function residentMemory(container: string): Promise<number> {
  const pids = await processesOf(container)
  return pids.map(pid => statusOf(pid, 'VmRSS')).reduce((sum, mib) => sum + mib, 0)
}

/** Lists the first process of a container and all below it, by their ids on this host. */
export async function processesOf(container: string): Promise<number[]> {
  const format = ['inspect', '--format', '{{.State.Pid}}', container]
  return withChildren(Number((await must('docker', format)).trim()))
}

function withChildren(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  )
  return [pid, ...children.map(Number).flatMap(withChildren)]
}

function statusOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  if (kib === undefined) throw new Error(`process ${pid} has no ${field}`)
  return Number(kib) / 1024
}
