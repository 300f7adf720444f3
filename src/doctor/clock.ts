import { type Check, ok, problem, warning } from './diagnosis.ts'

/** All in milliseconds since 1970; null where unknown. */
export type Clocks = {
  host: number
  engine: number | null
  /** The clock of the model's host, from its answer to the live proof. */
  upstream: number | null
  /** The day of the pinned packages; a correct clock is later. */
  packagesOf: number
}

const tolerance = 60_000

/** Judges the clock: a wrong one makes certificates fail without naming the reason. */
export function judgeClock({ host, engine, upstream, packagesOf }: Clocks): Check {
  const id = 'clock'
  const hint = 'set the clock and keep it in sync: run timedatectl set-ntp true, or ntpdate'
  if (host < packagesOf) {
    return problem(
      id,
      `the clock says ${day(host)}, which is before the date of the pinned packages`,
      hint,
    )
  }
  if (upstream !== null && Math.abs(host - upstream) > tolerance) {
    return warning(id, `the clock is ${apart(host, upstream)} the clock of the model's host`, hint)
  }
  if (engine !== null && Math.abs(host - engine) > tolerance) {
    return warning(id, `the clock is ${apart(host, engine)} the clock of the engine`, hint)
  }
  const against = [
    ...(upstream === null ? [] : ["the model's host"]),
    ...(engine === null ? [] : ['the engine']),
    'the pinned packages',
  ]
  return ok(id, `clock agrees with ${against.join(', ')}`)
}

function apart(host: number, other: number) {
  const seconds = Math.round(Math.abs(host - other) / 1000)
  return `${seconds} s ${host < other ? 'behind' : 'ahead of'}`
}

function day(time: number) {
  return new Date(time).toISOString().slice(0, 10)
}
