import type { ClaudeProcess, Exit } from '../claude/process.ts'
import { countProcesses } from './sweep.ts'

/** Timeout of each step of the ladder, in milliseconds. Together they stay below 5 s. */
export const steps = { interrupt: 1_500, terminate: 1_000, kill: 1_000 }

/** From this number of processes on, claude hardly gets to handle a signal, and our own timers are late. */
const crowd = 150
const crowdedSteps = { interrupt: 400, terminate: 100, kill: 2_000 }

/** Milliseconds in which the kernel ends a reaper that SIGKILL was sent to. */
const deathMilliseconds = 5_000

/** Returns whether so many processes leave claude too little processor time to act. */
export const isCrowded = (processes = crowdSize()) => processes >= crowd

/** Returns the number of processes in the container; Infinity when it is unknown, so that no step is long. */
function crowdSize(): number {
  try {
    return countProcesses()
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** @param processes number of processes in the container */
export const stepsFor = (processes: number) => (isCrowded(processes) ? crowdedSteps : steps)

/**
 * Ends claude and everything it started, even against resistance: SIGINT, so that the transcript is
 * complete; SIGTERM; then SIGKILL to all, sent by the reaper, or by us if the reaper is stopped. Gives up when
 * that does not help: then the end of the runner ends it.
 */
export async function forceEnd(
  claude: ClaudeProcess,
  times = { ...stepsFor(crowdSize()), die: deathMilliseconds },
): Promise<Exit> {
  claude.signal('SIGINT')
  if (await endsWithin(claude, times.interrupt)) return claude.ended
  claude.signal('SIGTERM')
  if (await endsWithin(claude, times.terminate)) return claude.ended
  claude.signal('SIGUSR1')
  if (await endsWithin(claude, times.kill)) return claude.ended
  await claude.sweep()
  claude.kill()
  if (await endsWithin(claude, times.die)) return claude.ended
  return claude.giveUp(new Error('claude survives SIGKILL'))
}

/** Closes claude's stdin after the result. Brings claude down if it does not end by itself in time. */
export async function endGracefully(claude: ClaudeProcess, milliseconds = 3_000): Promise<Exit> {
  claude.endInput()
  return (await endsWithin(claude, milliseconds)) ? claude.ended : forceEnd(claude)
}

const endsWithin = (claude: ClaudeProcess, milliseconds: number) =>
  within(
    claude.ended.then(() => true),
    milliseconds,
  )

/** Returns the value of a promise, or false after a timeout. */
export async function within(promise: Promise<boolean>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  const value = await Promise.race([promise, late])
  clearTimeout(timer)
  return value
}
