import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { problemOfSchedule } from './timetable.ts'

/** What `/every` asks for: a schedule of 5 fields, and the prompt. */
export type Every = { schedule: string; instruction: string }

export const everyForms =
  'send /every 30m, 2h, day 09:00, weekday 09:00, monday 09:00 or five cron fields, and then the prompt'

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const dayWord =
  'day|weekday|weekend|(?:sun|mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?)(?:day)?'
const interval = /^(\d{1,2}) ?(m|min|minutes?|h|hours?)\s+(\S[\s\S]*)$/i
const named = /^(minute|hour)\s+(\S[\s\S]*)$/i
const daily = new RegExp(
  `^(${dayWord})(?:\\s+(?:at\\s+)?(\\d{1,2}):(\\d{2}))?\\s+(?!\\d{1,2}:\\d)(\\S[\\s\\S]*)$`,
  'i',
)
const cron = /^([\d*]\S*(?:\s+[\w*,/#-]+){4})\s+(\S[\s\S]*)$/

/**
 * Parses the text after `/every`. Throws for a schedule that fires more often than once a minute, or that minutes
 * and hours of a clock cannot say, such as every 7 minutes.
 */
export function parseEvery(text: string): Every {
  const given = text.trim()
  if (given === '') throw new UserError('the schedule and the prompt are missing', hint())
  const [, count, unit = '', work] = interval.exec(given) ?? []
  if (work !== undefined) return { schedule: repeated(Number(count), unit), instruction: work }
  const [, word, after] = named.exec(given) ?? []
  if (after !== undefined) return { schedule: repeated(1, word ?? ''), instruction: after }
  const [, day = '', hour = '9', minute = '0', task] = daily.exec(given) ?? []
  if (task !== undefined) {
    return { schedule: checked(`${+minute} ${+hour} * * ${fieldOf(day)}`), instruction: task }
  }
  const [, fields = '', instruction] = cron.exec(given) ?? []
  if (instruction === undefined) {
    throw new UserError(`${terminalLine(given, 40)} is not a schedule with a prompt`, hint())
  }
  // A sixth field would make the first one seconds.
  if (/^\*(?:\/\d+)?(?:\s|$)/.test(instruction)) {
    throw new UserError('a job of a chat fires at most once a minute: give five fields', hint())
  }
  return { schedule: checked(fields.replace(/\s+/g, ' ')), instruction }
}

function repeated(count: number, unit: string): string {
  const isHours = unit.toLowerCase().startsWith('h')
  const whole = isHours ? 24 : 60
  if (count < 1 || count > whole || whole % count !== 0) {
    const fitting = Array.from({ length: whole / 2 }, (_, index) => index + 1).filter(
      number => whole % number === 0,
    )
    throw new UserError(
      `every ${count} ${isHours ? 'hours' : 'minutes'} does not divide ${whole}`,
      {
        hint: `choose one of ${fitting.join(', ')}`,
      },
    )
  }
  if (isHours) return count === 24 ? '0 0 * * *' : `0 ${count === 1 ? '*' : `*/${count}`} * * *`
  return count === 60 ? '0 * * * *' : `${count === 1 ? '*' : `*/${count}`} * * * *`
}

function fieldOf(day: string): string {
  const word = day.toLowerCase()
  if (word === 'day') return '*'
  if (word === 'weekday') return '1-5'
  if (word === 'weekend') return '0,6'
  return String(days.indexOf(word.slice(0, 3)))
}

function checked(schedule: string): string {
  const problem = problemOfSchedule(schedule)
  if (problem !== null) throw new UserError(`${terminalLine(schedule, 60)}: ${problem}`, hint())
  return schedule
}

function hint() {
  return { hint: everyForms }
}
