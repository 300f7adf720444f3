import t from 'tap'
import { createProblems, UserError } from '../../../src/base/errors.ts'

const refusal = (message: string, hint = 'fix it') => new UserError(message, { hint, exitCode: 2 })

t.test('one refusal stays as it is; several become one error that names all', async t => {
  const problems = createProblems()
  problems.throwIfAny()
  problems.add(refusal('a'))
  t.throws(() => problems.throwIfAny(), { message: 'a', hint: 'fix it', exitCode: 2 })
  t.equal(await problems.attempt(() => 5), 5)
  const refused = await problems.attempt(() => {
    throw refusal('b', 'drop it')
  })
  t.equal(refused, undefined)
  t.throws(() => problems.throwIfAny(), {
    message: '2 errors: a; b',
    hint: 'fix it; drop it',
    exitCode: 2,
  })
})

t.test('the refusals of a part are counted each', async t => {
  const inner = createProblems()
  for (const name of ['a', 'b']) inner.add(refusal(name))
  const outer = createProblems()
  outer.add(refusal('c'))
  await outer.attempt(() => inner.throwIfAny())
  t.throws(() => outer.throwIfAny(), { message: '3 errors: c; a; b', hint: 'fix it' })
})

t.test('any other error is not a refusal', async t => {
  const bug = () => {
    throw new TypeError('bug')
  }
  await t.rejects(createProblems().attempt(bug), TypeError)
})
