import t from 'tap'
import { parseEvery } from '../../../src/schedules/every.ts'

t.test('intervals, days and cron fields become a schedule of five fields', async t => {
  const cases: [string, string, string][] = [
    ['30m check the build', '*/30 * * * *', 'check the build'],
    ['1 minute x', '* * * * *', 'x'],
    ['60 minutes x', '0 * * * *', 'x'],
    ['2h x', '0 */2 * * *', 'x'],
    ['hour x', '0 * * * *', 'x'],
    ['24 hours x', '0 0 * * *', 'x'],
    ['day summarise the news', '0 9 * * *', 'summarise the news'],
    ['Day 07:05 x', '5 7 * * *', 'x'],
    ['weekday at 18:30 x\ny', '30 18 * * 1-5', 'x\ny'],
    ['weekend 8:00 x', '0 8 * * 0,6', 'x'],
    ['monday 09:00 x', '0 9 * * 1', 'x'],
    ['thu 9:00 x', '0 9 * * 4', 'x'],
    ['0 9 * * 1-5 write 3 ideas', '0 9 * * 1-5', 'write 3 ideas'],
    ['*/5  * * *  MON 7 things', '*/5 * * * MON', '7 things'],
  ]
  for (const [text, schedule, instruction] of cases)
    t.same(parseEvery(text), { schedule, instruction }, text)
})

t.test('other texts are refused with the reason and the forms', async t => {
  const cases: [string, RegExp][] = [
    ['', /are missing/],
    ['day', /is not a schedule with a prompt/],
    ['day 09:00', /is not a schedule with a prompt/],
    ['the morning do it', /the morning do it is not a schedule/],
    ['7m x', /every 7 minutes does not divide 60/],
    ['0m x', /every 0 minutes/],
    ['5h x', /every 5 hours does not divide 24/],
    ['day 25:00 x', /0 25 \* \* \*: /],
    ['99 9 * * * x', /99 9 \* \* \*: /],
    ['0 0 31 2 * x', /never fires/],
    ['* * * * * * x', /at most once a minute/],
    ['*/10 * * * * *', /at most once a minute/],
    ['\u001b[31mred', /^red is not/],
  ]
  for (const [text, message] of cases)
    t.throws(() => parseEvery(text), { message, hint: /./ }, text)
})
