import { type Check, ok, problem, warning } from './diagnosis.ts'

/** All in milliseconds since 1970; null for what nobody said. */
export type Clocks = {
  host: number
  engine: number | null
  /** Of the model's host, in the answer that the live proof got. */
  upstream: number | null
  /** The day the pinned packages were taken, which no right clock comes before. */
  packagesOf: number
}

const tolerance = 60_000

/** A wrong clock makes every certificate look wrong, and says so nowhere. */
export function judgeClock({ host, engine, upstream, packagesOf }: Clocks): Check {
  const id = 'clock'
  const hint = 'set it, and keep it right: timedatectl set-ntp true, or ntpdate'
  if (host < packagesOf) {
    return problem(id, `the clock says ${day(host)}, before the pinned packages were made`, hint)
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
