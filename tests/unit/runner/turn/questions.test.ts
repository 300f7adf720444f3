import t, { type Test } from 'tap'
import type { RunnerEvent } from '../../../../src/run/runner-protocol.ts'
import { createQuestions } from '../../../../src/runner/turn/questions.ts'

const question = { question: 'Go on?', multiSelect: false, options: [{ label: 'Yes' }] }

function questionsOf(t: Test, seconds = 60) {
  const written: { response: Record<string, unknown> }[] = []
  const events: RunnerEvent[] = []
  const waiting: boolean[] = []
  const questions = createQuestions({
    write: text => written.push(JSON.parse(text)),
    emit: async event => {
      events.push(event)
    },
    asks: true,
    seconds,
    onWaiting: isWaiting => waiting.push(isWaiting),
  })
  t.teardown(questions.close)
  const ask = (id: unknown, input: unknown = { questions: [question] }) =>
    questions.take({
      type: 'control_request',
      request_id: id,
      request: { subtype: 'can_use_tool', tool_name: 'AskUserQuestion', input },
    })
  const opened = () => events.flatMap(event => (event.kind === 'question' ? [event.id] : []))
  return { questions, ask, written, events, waiting, opened }
}

t.test('one question is open at a time, and the next one after its answer', t => {
  const { questions, ask, written, opened, waiting } = questionsOf(t)
  void ask('a')
  void ask('b')
  t.strictSame(opened(), ['q1'])
  t.equal(questions.answer('q2', { 'Go on?': 'Yes' }), false)
  t.equal(questions.answer('q1', { 'Go on?': 'Yes' }), true)
  t.strictSame(opened(), ['q1', 'q2'])
  t.match(written, [{ response: { request_id: 'a', response: { behavior: 'allow' } } }])
  t.strictSame(waiting, [true, false, true])
  t.end()
})

t.test('a question that claude withdraws is closed without a response', t => {
  const { questions, ask, written, events } = questionsOf(t)
  void ask('a')
  void questions.take({ type: 'control_cancel_request', request_id: 'unknown' })
  t.equal(events.length, 1, 'an unknown id changes nothing')
  void questions.take({ type: 'control_cancel_request', request_id: 'a' })
  t.match(events.at(-1), { kind: 'question-closed', id: 'q1', outcome: 'unanswered' })
  t.strictSame(written, [])
  t.end()
})

t.test('the number of questions is bounded: those beyond it get no answer', t => {
  const { questions, ask, written, opened } = questionsOf(t)
  for (let i = 0; i < 20; i++) void ask(`r${i}`)
  t.equal(opened().length, 1)
  t.equal(written.length, 9, 'one is open, ten wait')
  for (let i = 0; i < 300; i++) {
    void ask(`s${i}`)
    questions.answer(`q${i}`, null)
  }
  t.ok(opened().length <= 100, `${opened().length}`)
  t.end()
})

t.test('a request without a usable id is ignored', t => {
  const { ask, written, events } = questionsOf(t)
  for (const id of [undefined, 7, {}, 'x'.repeat(201)]) void ask(id)
  t.strictSame([written, events], [[], []])
  t.end()
})

t.test('nothing is written to claude after the end', t => {
  const { questions, ask, written, events } = questionsOf(t)
  void ask('a')
  questions.close()
  t.match(events.at(-1), { kind: 'question-closed', outcome: 'unanswered' })
  void ask('b')
  t.equal(questions.answer('q1', { 'Go on?': 'Yes' }), false)
  t.strictSame(written, [])
  t.end()
})
