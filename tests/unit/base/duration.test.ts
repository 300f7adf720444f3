import t from 'tap'
import { parseDuration, parseLease, renderDuration } from '../../../src/base/duration.ts'

t.test('lengths of time', async t => {
  const cases: [string, number | null][] = [
    ['90s', 90],
    ['30m', 1_800],
    ['2h', 7_200],
    ['1h30m', 5_400],
    ['7d', 604_800],
    ['2', null],
    ['h', null],
    ['-2h', null],
    ['2 h', null],
    ['1e3s', null],
    ['9999999999s', null],
    ['', null],
  ]
  for (const [text, seconds] of cases) t.equal(parseDuration(text), seconds, text)
})

t.test('a name is opened for a second to thirty days', async t => {
  t.equal(parseLease('30d'), 2_592_000)
  for (const text of ['0s', '31d', '721h', 'tomorrow', '\x1b[2J']) {
    t.throws(() => parseLease(text), {
      name: 'UserError',
      exitCode: 2,
      message: /^--for [^\x1b]* is not a duration between 1s and 30d$/,
      hint: /--for 2h/,
    })
  }
})

t.test('what is left, in two units', async t => {
  const cases: [number, string][] = [
    [0, '0 s'],
    [59.6, '1 min'],
    [90, '1 min 30 s'],
    [7_200, '2 h'],
    [90_061, '1 d 1 h'],
  ]
  for (const [seconds, text] of cases) t.equal(renderDuration(seconds), text)
})
