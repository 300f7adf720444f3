import t from 'tap'
import { RunnerEvent, RunnerInput, RunnerRequest } from '../../../src/run/runner-protocol.ts'

const question = {
  question: 'Which colour?',
  header: 'Colour',
  multiSelect: false,
  options: [{ label: 'red' }, { label: 'blue', description: 'like the sea' }],
}

t.test('a question and its answer have bounded forms', async t => {
  const event = { kind: 'question', id: 'req-1', questions: [question], deadlineSeconds: 60 }
  t.same(RunnerEvent.parse(event), event)
  for (const wrong of [
    { ...event, id: '../x' },
    { ...event, questions: [] },
    { ...event, questions: Array.from({ length: 11 }, () => question) },
    { ...event, questions: [{ ...question, question: 'x'.repeat(10_001) }] },
  ]) {
    t.notOk(RunnerEvent.safeParse(wrong).success)
  }
  const answer = { kind: 'answer', id: 'req-1', answers: { 'Which colour?': ['red', 'blue'] } }
  t.same(RunnerInput.parse(answer), answer)
  t.ok(RunnerInput.safeParse({ ...answer, answers: null }).success, 'no answer')
  t.notOk(RunnerInput.safeParse({ ...answer, more: 1 }).success)
})

t.test('a request does not ask questions unless it says so', async t => {
  const request = {
    version: 1,
    runId: '0123456789abcdef',
    workspace: '/workspace',
    request: { prompt: 'x' },
  }
  t.match(RunnerRequest.parse(request), { asks: false, questionSeconds: 600 })
})
