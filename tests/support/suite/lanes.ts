import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { longestFirst, readDurations } from './durations.ts'
import { type RunFiles, runProcess } from './run-files.ts'

const root = join(import.meta.dirname, '../../..')

/** Set by a caller that runs files beside another run of this machine. */
const firstLane = Number(process.env.TEST_LANE ?? 0)

/** `// exclusive: REASON` in a test file: it owns the engine or the host, or measures the machine. */
const mark = /^\/\/ exclusive: \S/m

/**
 * Runs end-to-end files in lanes side by side, a process for each lane, the longest files first. Exclusive
 * files run one at a time, after all lanes and what runs `beside` them have ended.
 */
export async function runInLanes(
  lanes: number,
  options: RunFiles,
  beside: Promise<unknown> = Promise.resolve(),
): Promise<boolean> {
  const text = (file: string) => readFileSync(join(root, file), 'utf8')
  const exclusive = options.files.filter(file => mark.test(text(file)))
  const queue = longestFirst(
    options.files.filter(file => !exclusive.includes(file)),
    readDurations(),
    // It may be long.
    Number.MAX_SAFE_INTEGER,
  )
  const lane = async (number: number, files: string[]) => {
    let passed = true
    // Two of the eight parts of the test network for each lane: see stack/address-part.ts.
    const env = { ...options.env, TEST_LANE: `${(firstLane + number) % 4}` }
    // More than one process only after a crash, which must not take the files behind it along.
    for (let first = files.shift(); first; first = files.shift()) {
      const taken = [first]
      const next = () => taken.shift() ?? files.shift() ?? null
      if (!(await runProcess(next, { ...options, env }))) passed = false
    }
    return passed
  }
  const sideBySide = await Promise.all(
    Array.from({ length: lanes }, (_, number) => lane(number, queue)),
  )
  if (exclusive.length > 0) await beside
  const alone = await lane(0, exclusive)
  return alone && sideBySide.every(Boolean)
}
