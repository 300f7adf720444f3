import t from 'tap'
import { hasColours, requireCapableTerminal, terminalVariables } from '../../../src/cli/terminal.ts'

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

t.test('type and colours reach the container, as plain names', t => {
  t.same(terminalVariables({ TERM: 'xterm-kitty', COLORTERM: 'truecolor' }), [
    'TERM=xterm-kitty',
    'COLORTERM=truecolor',
  ])
  t.same(terminalVariables({ TERM: 'a b', COLORTERM: '$(x)' }), ['TERM=xterm-256color'])
  t.end()
})

t.test('a terminal that only prints lines is refused', t => {
  for (const term of ['dumb', 'unknown']) {
    t.throws(() => requireCapableTerminal(term), {
      message: `the terminal cannot show a session: TERM=${term}`,
      hint: /claude\.ts run/,
    })
  }
  for (const term of [undefined, '', 'xterm', 'vt100']) {
    t.doesNotThrow(() => requireCapableTerminal(term))
  }
  t.end()
})
