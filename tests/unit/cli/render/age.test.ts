import t from 'tap'
import { renderAge } from '../../../../src/cli/render/age.ts'

t.test('one unit, the largest that fits', async t => {
  for (const [seconds, text] of [
    [0, '0s'],
    [59.9, '59s'],
    [60, '1m'],
    [3_599, '59m'],
    [3_600, '1h'],
    [86_399, '23h'],
    [200_000, '2d'],
    [-5, '0s'],
  ] as const) {
    t.equal(renderAge(seconds * 1000), text)
  }
})
