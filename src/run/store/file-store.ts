import { createReadStream } from 'node:fs'
import { access, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { isMissing, systemCode, UserError } from '../../base/errors.ts'
import { readGrowing } from '../../files/growing-file.ts'
import { readLines } from '../../files/lines.ts'
import { type RegularFile, readRegularFile } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { holdName, textOfHolder } from '../../process/abstract-socket.ts'
import { createCollector } from '../collect.ts'
import type { RunEvent } from '../event.ts'
import { RunId } from '../request.ts'
import { RunResult } from '../result.ts'
import { createEventLog } from './event-log.ts'
import type { RunRecord, RunStore, StoredRun } from './store.ts'

const Stored = z.object({
  runId: z.string(),
  workspace: z.string(),
  startedAt: z.string(),
  prompt: z.string(),
  model: z.string().nullable(),
})

const lineBytes = 16 * 1024 * 1024
/** A result holds at most one answer of the model, and the runner bounds its lines. */
const fileBytes = 64 * 1024 * 1024
const cancelPoll = 200

export type Retention = { runs: number; days: number }
const defaultRetention: Retention = { runs: 200, days: 7 }

/**
 * Runs as folders of files, mode 0600: `run.json`, `events.ndjson`, and `result.json` once it ended,
 * each written whole or not at all. Whether a run that has no result still runs is known by a socket
 * that its watcher holds. Old runs go when another one ends.
 */
export function createFileStore(folder: string, retention = defaultRetention): RunStore {
  const place = (runId: string, file = '') => join(folder, RunId.parse(runId), file)

  const read = async (runId: string): Promise<StoredRun | null> => {
    const record = await readJson(place(runId, 'run.json'), Stored)
    if (!record) return null
    const ended = () => readJson(place(runId, 'result.json'), RunResult)
    const result = await ended()
    if (result) return { ...record, result }
    if ((await textOfHolder(socketOf(runId))) !== null) return { ...record, result: null }
    // It may have ended between the two looks.
    return { ...record, result: (await ended()) ?? (await interrupt(record)) }
  }

  /** Its watcher died, and with it the connection that kept it alive. */
  const interrupt = async (record: RunRecord): Promise<RunResult> => {
    const result = await interruptedResult(record, events(record.runId))
    await replaceFile(place(record.runId, 'result.json'), JSON.stringify(result)).catch(() => {})
    return result
  }

  async function* events(
    runId: string,
    options?: { follow: AbortSignal },
  ): AsyncGenerator<RunEvent> {
    const path = place(runId, 'events.ndjson')
    // A run that is not there any more has ended, too.
    const whole = async () => (await read(runId))?.result !== null
    const file = options
      ? readGrowing(path, { whole, signal: options.follow })
      : createReadStream(path)
    try {
      for await (const line of readLines(file, lineBytes)) {
        const event = line === null ? null : parseEvent(line)
        if (event) yield event
      }
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  const list = async () => {
    const names = await readdir(folder).catch(error => {
      if (isMissing(error)) return []
      throw cannotRead(folder, error)
    })
    const ids = names.filter(name => RunId.safeParse(name).success)
    const runs = await Promise.all(ids.map(read))
    return runs
      .filter(run => run !== null)
      .sort((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : 0))
  }

  /** By when they ended, which is when their folder changed last. */
  const prune = async () => {
    const oldest = Date.now() - retention.days * 24 * 60 * 60_000
    const names = await readdir(folder)
    const ids = names.filter(name => RunId.safeParse(name).success)
    const ages = await Promise.all(
      ids.map(async runId => ({ runId, at: (await stat(place(runId))).mtimeMs })),
    )
    const old = ages
      .sort((a, b) => b.at - a.at)
      .filter(({ at }, index) => index >= retention.runs || at < oldest)
    for (const { runId } of old) {
      if ((await read(runId))?.result === null) continue
      await rm(place(runId), { recursive: true, force: true })
    }
  }

  return {
    read,
    list,
    events,

    async create(record) {
      const { runId } = record
      const release = await holdName(socketOf(runId))
      if (!release) throw new Error(`run ${runId} is watched over by another process`)
      let poll: NodeJS.Timeout | undefined
      try {
        await mkdir(place(runId), { recursive: true, mode: 0o700 })
        await replaceFile(place(runId, 'run.json'), JSON.stringify(record))
      } catch (error) {
        release()
        throw cannotKeep(folder, error)
      }
      const log = createEventLog(place(runId, 'events.ndjson'))
      const end = async () => {
        clearInterval(poll)
        await log.end()
      }
      return {
        onCancel(cancel) {
          poll = setInterval(() => {
            access(place(runId, 'cancel')).then(
              () => {
                clearInterval(poll)
                cancel()
              },
              () => {},
            )
          }, cancelPoll)
          poll.unref()
        },
        append: event => log.append(event),
        async finish(result) {
          await end()
          try {
            await replaceFile(place(runId, 'result.json'), JSON.stringify(result))
          } finally {
            release()
          }
          await prune().catch(() => {})
        },
        async discard() {
          await end()
          await rm(place(runId), { recursive: true, force: true }).catch(() => {})
          release()
        },
      }
    },

    async requestCancel(runId) {
      await writeFile(place(runId, 'cancel'), '', { mode: 0o600 })
    },
  }
}

async function interruptedResult(record: RunRecord, events: AsyncIterable<RunEvent>) {
  const collector = createCollector({ ...record, timeoutSeconds: 0 })
  for await (const event of events) {
    if (event.kind === 'started') collector.started({ sessionId: event.sessionId, meter: null })
    if (event.kind === 'claude') collector.add(event.message)
  }
  return collector.result({ kind: 'interrupted' }, new Date().toISOString())
}

function parseEvent(line: string): RunEvent | null {
  try {
    // We wrote it: what is damaged is the last line, of a watcher that died.
    return JSON.parse(line)
  } catch {
    return null
  }
}

/**
 * Returns null when the file is missing or damaged. Throws when it cannot be read: a run that is there
 * must not pass for one that is not.
 */
async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  const file = await readRegularFile(path, { limit: fileBytes })
  if (file.kind === 'missing') return null
  if (file.kind !== 'bytes') throw unreadable(path, file)
  try {
    return schema.parse(JSON.parse(file.bytes.toString()))
  } catch {
    return null
  }
}

function unreadable(path: string, { kind }: RegularFile) {
  const problem =
    kind === 'too-large' ? `is larger than ${fileBytes} bytes` : 'is not a regular file'
  return new UserError(`${path} ${problem}`, { hint: 'remove its folder to forget that run' })
}

function socketOf(runId: string) {
  return `run/${runId}`
}

function cannotRead(folder: string, cause: unknown) {
  const code = systemCode(cause)
  return new UserError(`cannot read the runs in ${folder}${code ? ` (${code})` : ''}`, {
    hint: 'check the owner and the mode of that folder',
    cause,
  })
}

function cannotKeep(folder: string, cause: unknown) {
  const code = systemCode(cause)
  return new UserError(`cannot keep runs in ${folder}${code ? ` (${code})` : ''}`, {
    hint: 'check the free space and the owner of that folder',
    cause,
  })
}
