import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { replaceFile } from '../../files/replace-file.ts'
import type { StateFolder } from '../state/state-folder.ts'

const port = z.int().min(1).max(65_535)

const ForwardRecord = z.strictObject({
  version: z.literal(1),
  service: z.string(),
  port,
  local: port,
  /** ISO 8601. */
  since: z.string(),
  /** The process that holds the port, and its start time in the kernel's ticks: ids are used again. */
  pid: z.int().positive(),
  ticks: z.string(),
})

/** A forwarded port: `service` and `port` in the stack, `local` on the host's loopback. */
export type ForwardRecord = z.infer<typeof ForwardRecord>

type Folder = Pick<StateFolder, 'path'>

/** Records forwards of this process, so that other commands find them. Returns what removes the records. */
export async function recordForwards(
  state: Folder,
  forwards: readonly Pick<ForwardRecord, 'service' | 'port' | 'local'>[],
): Promise<() => Promise<void>> {
  const ticks = (await startTicks(process.pid)) ?? ''
  const since = new Date().toISOString()
  await mkdir(folder(state), { recursive: true, mode: 0o700 })
  const paths = forwards.map(({ local }) => path(state, local))
  await Promise.all(
    forwards.map(forward =>
      replaceFile(
        path(state, forward.local),
        JSON.stringify({ version: 1, ...forward, since, pid: process.pid, ticks }),
      ),
    ),
  )
  return async () => {
    await Promise.all(paths.map(path => rm(path, { force: true })))
  }
}

/** Returns the forwards of a stack whose process lives, by local port; removes the records of dead ones. */
export async function readForwards(state: Folder): Promise<ForwardRecord[]> {
  const names = await readdir(folder(state)).catch(() => [])
  const found = await Promise.all(
    names
      .filter(name => /^\d{1,5}\.json$/.test(name))
      .map(async name => {
        const file = join(folder(state), name)
        const record = parse(await readFile(file, 'utf8').catch(() => ''))
        if (record && (await startTicks(record.pid)) === record.ticks) return record
        await rm(file, { force: true })
        return null
      }),
  )
  return found.filter(record => record !== null).sort((a, b) => a.local - b.local)
}

/** Ends the process that holds a forward. */
export async function endForward({ pid, ticks }: ForwardRecord): Promise<void> {
  if ((await startTicks(pid)) !== ticks) return
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    // It ended meanwhile.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function parse(text: string): ForwardRecord | null {
  try {
    return ForwardRecord.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** Returns the start time of a process; null when there is none. The name before it may hold spaces. */
async function startTicks(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null
}

function folder(state: Folder) {
  return join(state.path, 'forwards')
}

function path(state: Folder, local: number) {
  return join(folder(state), `${local}.json`)
}
