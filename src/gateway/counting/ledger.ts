import { open, rm, writeFile } from 'node:fs/promises'
import { messageOf, systemCode } from '../../base/errors.ts'
import { replaceFile } from '../../files/replace-file.ts'
import {
  type DayTotals,
  dayOf,
  daysKept,
  linesFile,
  listDays,
  readDay,
  totalsFile,
} from '../../usage/day-files.ts'
import { addEntries, type UsageEntry } from '../../usage/entry.ts'
import { createTally, type Tally } from '../../usage/tally.ts'
import type { GatewayLog } from '../gateway-log.ts'

/** What a gateway that is killed loses at most. */
const defaultFlushMilliseconds = 500
/** When the lines of a day become sums. */
const defaultLinesBytes = 4 * 1024 * 1024
/** A full disk is told again after this long, not with every try. */
const warnMilliseconds = 600_000

/** What was used, on disk and in sums. Adding never waits and never fails. */
export interface Ledger {
  add(entry: UsageEntry): void
  /** The dollars of this day (UTC) that budgets count. */
  estimatedToday(): number
  /** Why it cannot write at present; what it was given waits in memory. */
  failure(): string | null
  /** Writes what waits. */
  flush(): Promise<void>
  close(): Promise<void>
}

type Day = {
  tally: Tally
  /** What is not in its file yet, by meter and model. */
  waiting: Map<string, UsageEntry>
  generation: number
  /** Of the lines' file, as far as it is known to be whole; null before the first. */
  bytes: number | null
}

/** Opens the folder and reads on where the last gateway ended. A folder without use is a failure, not an error. */
export async function createLedger(options: {
  folder: string
  log: GatewayLog
  now?: () => Date
  flushMilliseconds?: number
  linesBytes?: number
}): Promise<Ledger> {
  const { folder, log, now = () => new Date() } = options
  const linesBytes = options.linesBytes ?? defaultLinesBytes
  const days = new Map<string, Day>()
  /** Until what was used before is known, no sum is right. */
  let loaded = false
  let failure: string | null = null
  let warned = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()

  const newDay = (): Day => ({
    tally: createTally(),
    waiting: new Map(),
    generation: 0,
    bytes: null,
  })
  const dayBefore = () => dayOf(new Date(now().getTime() - 86_400_000))
  const current = (): Day => {
    const name = dayOf(now())
    const found = days.get(name) ?? newDay()
    days.set(name, found)
    return found
  }

  function failed(error: unknown) {
    failure = codeOf(error)
    if (performance.now() - warned < warnMilliseconds) return
    warned = performance.now()
    log({
      kind: 'warn',
      message: `cannot write usage (${failure}); keeping it in memory`,
      hint: "on the host: check free space and the owner of the stack's usage folder",
    })
  }

  /** Sums up a day in one step, after which its lines count no more. */
  async function compact(name: string, day: Day) {
    const next = day.generation + 1
    const totals: DayTotals = { version: 1, generation: next, entries: day.tally.entries() }
    const path = totalsFile(folder, name)
    await whileTaken(day, async () => {
      await replaceFile(path, `${JSON.stringify(totals)}\n`)
    })
    // From here on lines of the old generation would not count.
    Object.assign(day, { generation: next, bytes: null })
    const before = (await listDays(folder)).find(({ day }) => day === name)
    for (const generation of before?.generations ?? []) {
      if (generation < next) await rm(linesFile(folder, name, generation), { force: true })
    }
  }

  async function append(name: string, day: Day) {
    if (day.waiting.size === 0) return
    const at = now().toISOString()
    const lines = [...day.waiting.values()].map(entry => `${JSON.stringify({ at, ...entry })}\n`)
    const text = lines.join('')
    await whileTaken(day, async () => {
      const file = await open(linesFile(folder, name, day.generation), 'a', 0o600)
      try {
        // What a failed try may have left would count twice.
        const { size } = await file.stat()
        day.bytes = Math.min(size, day.bytes ?? size)
        if (size > day.bytes) await file.truncate(day.bytes)
        await file.writeFile(text)
        day.bytes += Buffer.byteLength(text)
      } finally {
        await file.close()
      }
    })
    if ((day.bytes ?? 0) > linesBytes) await compact(name, day)
  }

  async function write() {
    try {
      if (!loaded) await load()
      for (const [name, day] of days) {
        await append(name, day)
        if (name < dayBefore()) days.delete(name)
        else if (name < dayOf(now()) && day.bytes !== null) await endDay(name, day)
      }
      failure = null
    } catch (error) {
      failed(error)
      schedule()
    }
  }

  async function endDay(name: string, day: Day) {
    await compact(name, day)
    await prune()
  }

  async function prune() {
    const listed = await listDays(folder)
    for (const { files } of listed.slice(0, Math.max(0, listed.length - daysKept))) {
      for (const file of files) await rm(file, { force: true })
    }
  }

  function schedule() {
    if (timer) return
    timer = setTimeout(() => {
      timer = undefined
      void flush()
    }, options.flushMilliseconds ?? defaultFlushMilliseconds)
    timer.unref()
  }

  function flush() {
    writing = writing.then(write)
    return writing
  }

  async function load() {
    for (const { day: name, generations } of await listDays(folder)) {
      const recent = name >= dayBefore()
      if (!recent && generations.length === 0) continue
      const { tally, next, damaged } = await readDay(folder, name)
      if (damaged > 0) {
        log({ kind: 'warn', message: `usage of ${name}: ${damaged} unreadable lines` })
      }
      const waiting = days.get(name)?.waiting ?? new Map<string, UsageEntry>()
      for (const entry of waiting.values()) tally.add(entry)
      const day: Day = { ...newDay(), tally, waiting, generation: next }
      if (recent) days.set(name, day)
      // Also rids the day of a last line that was cut.
      if (generations.length > 0) await compact(name, day)
    }
    await prune()
    // A folder that cannot be written is to be known before the first request.
    const probe = totalsFile(folder, 'probe')
    await writeFile(probe, '')
    await rm(probe)
    loaded = true
  }

  try {
    await load()
  } catch (error) {
    failed(error)
  }
  return {
    add(entry) {
      const day = current()
      wait(day, day.tally.add(entry))
      schedule()
    },
    estimatedToday: () => days.get(dayOf(now()))?.tally.estimatedUsd() ?? 0,
    failure: () => failure,
    flush,
    async close() {
      clearTimeout(timer)
      await flush()
      clearTimeout(timer)
    },
  }
}

/** What waited is being written; what comes meanwhile waits for the next time. */
async function whileTaken(day: Day, write: () => Promise<void>) {
  const entries = [...day.waiting.values()]
  day.waiting.clear()
  try {
    await write()
  } catch (error) {
    for (const entry of entries) wait(day, entry)
    throw error
  }
}

function wait(day: Day, entry: UsageEntry) {
  const key = `${entry.meter} ${entry.model}`
  const before = day.waiting.get(key)
  day.waiting.set(key, before ? addEntries(before, entry) : entry)
}

function codeOf(error: unknown): string {
  return systemCode(error) ?? messageOf(error)
}
