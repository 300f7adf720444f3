import t from 'tap'
import { UserError } from '../../../../src/base/errors.ts'
import { renderError } from '../../../../src/cli/render/message.ts'

const plain = { verbose: false, colour: false }

t.test('an error has two lines: the failure and the next step', async t => {
  const error = new UserError('a is wrong', { hint: 'do b', cause: new Error('deep') })
  t.equal(renderError(error, plain), 'error: a is wrong\nhint:  do b')
})

t.test('an unexpected error is reported as a bug, without its stack', async t => {
  const text = renderError(new TypeError('x is not a function'), plain)
  t.match(text, /^error: x is not a function\nhint: {2}this is a bug.*--verbose$/)
  t.match(renderError('thrown text', plain), /^error: thrown text\n/)
})

t.test('verbose adds cause and stack', async t => {
  const error = new UserError('a is wrong', { hint: 'do b', cause: new Error('deep') })
  const text = renderError(error, { ...plain, verbose: true })
  t.match(text, /^error: a is wrong\nhint: {2}do b\n/)
  t.match(text, /\[cause\]: Error: deep\n\s+at /)
})

t.test('hostile text in a message does not control the terminal or add a line', async t => {
  const error = new UserError('x\x1b]0;owned\x07\nerror: forged', { hint: 'y\x1b[2J' })
  for (const verbose of [false, true]) {
    t.notMatch(renderError(error, { colour: false, verbose }), /\x1b|\x07/)
  }
  t.equal(renderError(error, plain), 'error: x error: forged\nhint:  y')
})

t.test('colour is used only on request', async t => {
  const error = new UserError('a', { hint: 'b' })
  t.match(renderError(error, { verbose: false, colour: true }), '\x1b[31m')
})
