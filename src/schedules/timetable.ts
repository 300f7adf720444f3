import { Cron } from 'croner'

/** Returns what is wrong with a schedule; null for 5 fields, or 6 with the seconds first. */
export function problemOfSchedule(schedule: string): string | null {
  const fields = schedule.trim().split(/\s+/)
  // Croner also takes dates, names such as @daily, and a field for years.
  if (fields.length !== 5 && fields.length !== 6)
    return 'must have 5 fields, or 6 with seconds first'
  if (schedule.length > 200) return 'must be at most 200 characters'
  try {
    return nextFire({ schedule, timezone: 'UTC' }, new Date()) === null ? 'never fires' : null
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'is not valid'
  }
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/**
 * Returns the first time after `after` at which a schedule fires; null when it never does again. A local time that a
 * change to summer time leaves out fires at the change; one that comes twice fires once.
 */
export function nextFire(
  { schedule, timezone }: { schedule: string; timezone: string },
  after: Date,
): Date | null {
  return new Cron(schedule, { timezone, paused: true }).nextRun(after)
}

/** Renders a moment in a time zone, with its offset: `2026-11-30 09:00:00 GMT+01:00 (Europe/Berlin)`. */
export function localTime(at: Date, timezone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    hourCycle: 'h23',
    ...({ year: 'numeric', month: '2-digit', day: '2-digit' } as const),
    ...({ hour: '2-digit', minute: '2-digit', second: '2-digit' } as const),
    timeZoneName: 'longOffset',
  }).formatToParts(at)
  const part = (type: string) => parts.find(found => found.type === type)?.value ?? ''
  const day = `${part('year')}-${part('month')}-${part('day')}`
  const time = `${part('hour')}:${part('minute')}:${part('second')}`
  // Versions of ICU spell no offset in two ways.
  const offset = part('timeZoneName').replace('GMT+00:00', 'GMT')
  return `${day} ${time} ${offset} (${timezone})`
}
