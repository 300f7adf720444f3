import { type Log, step } from '../../base/log.ts'
import { type Pins, readPins } from '../../images/pins.ts'
import { changedPins, newestPins, type PinChange, writePins } from '../../images/pins-update.ts'

/**
 * Looks for newer Claude Code, Node, npm and Debian packages. `build` runs with the newer pins, which
 * are kept only when it succeeds: a failed update leaves what works.
 */
export async function runUpdatePins(options: {
  log: Log
  root: string
  dryRun: boolean
  /** Today, as `2026-01-31`. */
  today: string
  build: (pins: Pins) => Promise<void>
  signal: AbortSignal
}): Promise<PinChange[]> {
  const { log, root, dryRun, today, build, signal } = options
  const before = await readPins(root)
  const after = await step(log, 'newest versions', () => newestPins(before, { today, signal }))
  const changes = changedPins(before, after)
  if (dryRun || changes.length === 0) return changes
  await build(after)
  await writePins(root, after)
  return changes
}
