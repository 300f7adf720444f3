import type { ClaudeProcess, Exit } from '../claude/process.ts'
import { countProcesses } from './processes.ts'

/** Milliseconds that each step of the ladder has. All together stay below 5 s. */
export const steps = { interrupt: 1_500, terminate: 1_000, kill: 1_000 }

/** Where so many processes are, claude hardly gets to hear a signal, and our own timers are late. */
const crowd = 150
const crowdedSteps = { interrupt: 400, terminate: 100, kill: 2_000 }

/** Whether a container with so many processes leaves claude no processor to act in time. */
export const isCrowded = (processes = countProcesses()) => processes >= crowd

/** @param processes number of processes in the container */
export const stepsFor = (processes: number) => (isCrowded(processes) ? crowdedSteps : steps)

/**
 * Ends claude and everything it started, however they resist: SIGINT, so that the transcript is
 * complete; SIGTERM; then SIGKILL for all by the supervisor, and where that was stopped, by us.
 */
export async function bringDown(
  claude: ClaudeProcess,
  times = stepsFor(countProcesses()),
): Promise<Exit> {
  claude.signal('SIGINT')
  if (await endsWithin(claude, times.interrupt)) return claude.ended
  claude.signal('SIGTERM')
  if (await endsWithin(claude, times.terminate)) return claude.ended
  claude.signal('SIGUSR1')
  if (await endsWithin(claude, times.kill)) return claude.ended
  await claude.sweep()
  claude.kill()
  return claude.ended
}

/** After the result: claude has a moment to end by itself. */
export async function letEnd(claude: ClaudeProcess, milliseconds = 3_000): Promise<Exit> {
  claude.endInput()
  return (await endsWithin(claude, milliseconds)) ? claude.ended : bringDown(claude)
}

const endsWithin = (claude: ClaudeProcess, milliseconds: number) =>
  within(
    claude.ended.then(() => true),
    milliseconds,
  )

/** The value of a promise, or false once the time has passed. */
export async function within(promise: Promise<boolean>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  const value = await Promise.race([promise, late])
  clearTimeout(timer)
  return value
}
