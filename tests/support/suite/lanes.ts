import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { longestFirst, readDurations } from './durations.ts'
import { type RunFiles, runInProcesses } from './run-files.ts'

const root = join(import.meta.dirname, '../../..')

/** `// exclusive: REASON` in a test file: it owns the engine or the host, or measures the machine. */
const mark = /^\/\/ exclusive: \S/m

/**
 * Runs end-to-end files in lanes side by side, a process for each file, the longest first. Exclusive
 * files run one at a time, after all lanes have ended.
 */
export async function runInLanes(lanes: number, options: RunFiles): Promise<boolean> {
  const text = (file: string) => readFileSync(join(root, file), 'utf8')
  const exclusive = options.files.filter(file => mark.test(text(file)))
  const queue = longestFirst(
    options.files.filter(file => !exclusive.includes(file)),
    readDurations(),
    // It may be long.
    Number.MAX_SAFE_INTEGER,
  )
  let passed = true
  const lane = async (number: number, files: string[]) => {
    for (let file = files.shift(); file; file = files.shift()) {
      // Two of the eight parts of the test network for each lane: see stack/address-part.ts.
      const env = { ...options.env, TEST_LANE: `${number}` }
      if (!(await runInProcesses(1, { ...options, files: [file], env }))) passed = false
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number, queue)))
  await lane(0, exclusive)
  return passed
}
