import { UserError } from './errors.ts'
import { terminalLine } from './terminal-text.ts'

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const
type Unit = keyof typeof unitSeconds

/** Parses `90s`, `30m`, `2h`, `7d` or several such parts (`1h30m`) to seconds. */
export function parseDuration(text: string): number | null {
  if (!/^(\d{1,9}[smhd])+$/.test(text)) return null
  let seconds = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g)) {
    seconds += Number(count) * unitSeconds[unit as Unit]
  }
  return seconds
}

const longest = 30 * unitSeconds.d

/** Parses the duration of `--for` to seconds: long enough for a task, too short to be forgotten. */
export function parseLease(text: string): number {
  const seconds = parseDuration(text)
  if (seconds !== null && seconds >= 1 && seconds <= longest) return seconds
  throw new UserError(`--for ${terminalLine(text, 40)} is not a duration between 1s and 30d`, {
    hint: 'write a number and s, m, h or d, for example: --for 2h',
    exitCode: 2,
  })
}

/** Renders a duration in its two largest units. */
export function renderDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const units: [number, string][] = [
    [unitSeconds.d, 'd'],
    [unitSeconds.h, 'h'],
    [unitSeconds.m, 'min'],
    [1, 's'],
  ]
  const first = units.findIndex(([size]) => whole >= size)
  let rest = whole
  const parts = units
    .slice(first === -1 ? 3 : first)
    .slice(0, 2)
    .map(([size, name]) => {
      const count = Math.floor(rest / size)
      rest -= count * size
      return [count, name] as const
    })
  return parts
    .filter(([count], index) => count > 0 || index === 0)
    .map(([count, name]) => `${count} ${name}`)
    .join(' ')
}
