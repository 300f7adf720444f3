import t from 'tap'
import { hasColours } from '../../../src/cli/terminal.ts'

t.test('colours are used on a terminal without NO_COLOR', t => {
  const before = process.env.NO_COLOR
  t.teardown(() => {
    if (before === undefined) delete process.env.NO_COLOR
    else process.env.NO_COLOR = before
  })
  delete process.env.NO_COLOR
  t.equal(hasColours({ isTTY: true }), true)
  t.equal(hasColours({ isTTY: false }), false)
  t.equal(hasColours({}), false)
  process.env.NO_COLOR = '1'
  t.equal(hasColours({ isTTY: true }), false)
  t.end()
})
