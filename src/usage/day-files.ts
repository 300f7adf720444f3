import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { isMissing } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { UsageEntry } from './entry.ts'
import { createTally, type Tally } from './tally.ts'

/**
 * A day (UTC) is a file of totals, `2026-11-21.json`, and files of later entries, one JSON object per
 * line, `2026-11-21.7.ndjson`. The totals name a generation: lines of an older one are included
 * already, so that a crash between two steps counts nothing twice.
 */
const DayTotals = z.object({
  version: z.literal(1),
  /** The totals lack the lines from this generation on. */
  generation: z.int().check(z.nonnegative()),
  entries: z.array(UsageEntry),
})
export type DayTotals = z.infer<typeof DayTotals>

export const daysKept = 400

/** Larger than any file that the gateway writes. */
const fileBytes = 32 * 1024 * 1024

export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}

export function totalsFile(folder: string, day: string) {
  return join(folder, `${day}.json`)
}

export function linesFile(folder: string, day: string, generation: number) {
  return join(folder, `${day}.${generation}.ndjson`)
}

type Listed = { day: string; totals: boolean; generations: number[]; files: string[] }

/** Lists the days that have files, oldest first; none for a missing folder. */
export async function listDays(folder: string): Promise<Listed[]> {
  const names = await readdir(folder).catch(error => {
    if (isMissing(error)) return []
    throw error
  })
  const days = new Map<string, Listed>()
  for (const name of names) {
    const match = /^(\d{4}-\d{2}-\d{2})(?:\.json|\.(\d{1,9})\.ndjson)$/.exec(name)
    const [, day, generation] = match ?? []
    if (!day) continue
    const listed = days.get(day) ?? { day, totals: false, generations: [], files: [] }
    days.set(day, listed)
    listed.files.push(join(folder, name))
    if (generation === undefined) listed.totals = true
    else listed.generations.push(Number(generation))
  }
  for (const { generations } of days.values()) generations.sort((a, b) => a - b)
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1))
}

export interface ReadDay {
  day: string
  tally: Tally
  /** The generation for new lines. */
  next: number
  /** Number of unreadable lines or files, such as the last line of a killed gateway. */
  damaged: number
}

/** Reads a day, even while the gateway writes it. Trusts nothing in it: the gateway may be compromised. */
export async function readDay(folder: string, day: string): Promise<ReadDay> {
  for (let attempt = 1; ; attempt++) {
    const before = await readTotals(folder, day)
    const { tally, generation } = before
    let { damaged } = before
    const listed = (await listDays(folder)).find(found => found.day === day)
    const generations = (listed?.generations ?? []).filter(value => value >= generation)
    for (const value of generations) {
      const text = await readBounded(linesFile(folder, day, value))
      for (const line of (text ?? '').split('\n')) {
        if (line === '') continue
        const entry = parseLine(line)
        if (entry) tally.add(entry)
        else damaged++
      }
    }
    // The gateway may have compacted lines into totals meanwhile, and removed their file.
    const after = await readTotals(folder, day)
    if (after.generation !== generation && attempt < 5) continue
    return {
      day,
      tally,
      next: Math.max(generation, 0, ...generations.map(value => value + 1)),
      damaged,
    }
  }
}

async function readTotals(folder: string, day: string) {
  const tally = createTally()
  const text = await readBounded(totalsFile(folder, day))
  if (text === null) return { tally, generation: 0, damaged: 0 }
  const totals = DayTotals.safeParse(parseJson(text))
  if (!totals.success) return { tally, generation: 0, damaged: 1 }
  for (const entry of totals.data.entries) tally.add(entry)
  return { tally, generation: totals.data.generation, damaged: 0 }
}

/** Reads a regular file; null when it is missing. Never follows a symlink out of the folder. */
async function readBounded(path: string): Promise<string | null> {
  const file = await readRegularFile(path, { limit: fileBytes })
  if (file.kind === 'missing') return null
  if (file.kind === 'bytes') return file.bytes.toString()
  throw new Error(`${path} is not a usage file: not a regular file, or too large`)
}

function parseLine(line: string): UsageEntry | null {
  const parsed = UsageEntry.safeParse(parseJson(line))
  return parsed.success ? parsed.data : null
}
