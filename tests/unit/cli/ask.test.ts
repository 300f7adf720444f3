import t from 'tap'
import { parseChoice, renderQuestion } from '../../../src/cli/ask.ts'

const one = {
  question: 'Which \x1b[31mcolour?',
  header: 'Colour',
  multiSelect: false,
  options: [{ label: 'red' }, { label: 'Blue', description: 'like the sea' }],
}

t.test('a question has numbered choices and no escape sequences', async t => {
  const text = renderQuestion(one).join('\n')
  t.match(text, /^\? Colour: Which .*colour\?\n {2}1\. red\n {2}2\. Blue \(like the sea\)\n/)
  t.notMatch(text, /\x1b/)
})

t.test('an answer is a number, a label or free text', async t => {
  t.equal(parseChoice(one, '2'), 'Blue')
  t.equal(parseChoice(one, ' blue '), 'Blue')
  t.equal(parseChoice(one, 'green'), 'green')
  t.equal(parseChoice(one, '7'), '7', 'not the number of a choice')
  const many = { ...one, multiSelect: true }
  t.same(parseChoice(many, '1, 2'), ['red', 'Blue'])
  t.same(parseChoice(many, 'something else'), ['something else'])
})
