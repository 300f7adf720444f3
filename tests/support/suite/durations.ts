import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Timed } from './tap-summary.ts'

/** How long each test file takes, in whole seconds. */
export type Durations = Record<string, number>

const cacheFolder = join(import.meta.dirname, '../../../.build')
const cacheName = 'test-durations.json'

/** Returns the durations of this checkout's last full run, completed by the committed ones. */
export function readDurations(cache = cacheFolder): Durations {
  const committed = readFileSync(join(import.meta.dirname, 'durations.json'), 'utf8')
  return { ...(JSON.parse(committed) as Durations), ...readCache(cache) }
}

/** Returns nothing for a missing or damaged cache: that only costs a worse order of the files. */
function readCache(cache: string): Durations {
  try {
    return JSON.parse(readFileSync(join(cache, cacheName), 'utf8')) as Durations
  } catch {
    return {}
  }
}

export function writeDurations(files: readonly Timed[], cache = cacheFolder): void {
  const durations = Object.fromEntries(files.map(({ name, seconds }) => [name, Math.ceil(seconds)]))
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, cacheName), `${JSON.stringify(durations, null, 2)}\n`)
}

/** Sorts files by duration, the longest first. `unknown` is the duration of files without one. */
export function longestFirst(
  files: readonly string[],
  durations: Durations,
  unknown: number,
): string[] {
  const of = (file: string) => durations[file] ?? unknown
  return [...files].sort((a, b) => of(b) - of(a))
}
