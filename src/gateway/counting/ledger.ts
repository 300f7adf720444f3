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
import { createTally, type Spent, type Tally, tallyKey } from '../../usage/tally.ts'
import type { GatewayLog } from '../gateway-log.ts'

/** Maximum usage, in milliseconds, that is lost when the gateway is killed. */
const defaultFlushMilliseconds = 500
/** Size in bytes at which the lines of a day are compacted into sums. */
const defaultLinesBytes = 4 * 1024 * 1024
/** Minimum interval between two warnings about a full disk. */
const warnMilliseconds = 600_000

/** Usage on disk and as sums. Adding to it never blocks and never fails. */
export interface Ledger {
  add(entry: UsageEntry): void
  /** Returns what counts toward the budget of this day (UTC). */
  today(): Spent
  /** Returns why the ledger cannot write at present, or null; unwritten entries stay in memory. */
  failure(): string | null
  /** Writes all pending entries. */
  flush(): Promise<void>
  close(): Promise<void>
}

type Day = {
  tally: Tally
  /** Entries that are not in the day's file yet, by origin and model. */
  waiting: Map<string, UsageEntry>
  generation: number
  /** Size of the lines' file up to which it is known to be intact; null before the first write. */
  bytes: number | null
}

/**
 * Opens the folder and continues where the last gateway ended. An unusable folder is reported as a
 * failure and does not throw.
 */
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
  /** No sum is right until earlier usage is loaded. */
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

  /** Compacts a day into sums in one step, after which its lines no longer count. */
  async function compact(name: string, day: Day) {
    const next = day.generation + 1
    const totals: DayTotals = { version: 1, generation: next, entries: day.tally.entries() }
    const path = totalsFile(folder, name)
    await whileTaken(day, async () => {
      await replaceFile(path, `${JSON.stringify(totals)}\n`)
    })
    // Lines of the old generation do not count from here on.
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
        // The remains of a failed write would count twice.
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
      // Also removes a truncated last line.
      if (generations.length > 0) await compact(name, day)
    }
    await prune()
    // An unwritable folder must be known before the first request.
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
    today() {
      const tally = days.get(dayOf(now()))?.tally
      return { usd: tally?.estimatedUsd() ?? 0, tokens: tally?.estimatedTokens() ?? 0 }
    },
    failure: () => failure,
    flush,
    async close() {
      clearTimeout(timer)
      await flush()
      clearTimeout(timer)
    },
  }
}

/** Sets the pending entries aside while they are written; new ones wait for the next flush. */
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
  const key = tallyKey(entry)
  const before = day.waiting.get(key)
  day.waiting.set(key, before ? addEntries(before, entry) : entry)
}

function codeOf(error: unknown): string {
  return systemCode(error) ?? messageOf(error)
}
