import t from 'tap'

import { createRunEngine } from '../../../src/run/engine.ts'
import { type Answers, checkAnswers } from '../../../src/run/question.ts'
import type { RunOptions } from '../../../src/run/watch.ts'
import { askingTransport, memoryStore } from '../../support/run/fake-transport.ts'

const questions = [
  { question: 'Which colour?', multiSelect: false, options: [{ label: 'red' }, { label: 'blue' }] },
]

function asking(options: Partial<RunOptions> = {}, setQuestion?: () => Promise<void>) {
  const fake = askingTransport({ kind: 'question', id: 'q1', questions })
  const { store } = memoryStore()
  let held = 0
  const engine = createRunEngine({
    workers: () => fake.transport,
    store: {
      ...store,
      create: async record => ({
        ...(await store.create(record)),
        ...(setQuestion && { setQuestion }),
      }),
    },
    lease: {
      async acquire() {
        held++
        return () => {
          held--
        }
      },
    },
    now: () => new Date('2026-11-21T10:00:00Z'),
  })
  const run = engine.start({ prompt: 'x' }, { workspace: '/workspace', asks: true, ...options })
  return { ...fake, engine, run, held: () => held }
}

async function untilAsked(events: AsyncIterable<{ kind: string }>) {
  for await (const event of events) if (event.kind === 'question') return event
  return null
}

t.test('a question that cannot be stored is asked and answered all the same', async t => {
  const full = () => Promise.reject(new Error('the disk is full'))
  const { engine, run, sent } = asking({ questionSeconds: 60 }, full)
  t.match(await untilAsked(run.events), { questions })
  await engine.answer(run.id, { 'Which colour?': 'red' })
  t.equal((await run.result).status, 'succeeded')
  t.same(sent, [{ kind: 'answer', id: 'q1', answers: { 'Which colour?': 'red' } }])
})

t.test('a run that asks waits for its answer, given from any surface', async t => {
  const { engine, run, requests, sent } = asking({ questionSeconds: 60 })
  const signal = new AbortController().signal
  t.match(await untilAsked(run.events), { questions, deadline: '2026-11-21T10:01:00.000Z' })
  t.match(requests, [{ asks: true, questionSeconds: 60 }])
  t.match(await engine.find(run.id), { state: 'waiting', question: { id: 'q1' } })
  t.match(await untilAsked(engine.events(run.id, { signal })), { id: 'q1' }, 'a later reader')
  await t.rejects(engine.answer(run.id, { other: 'x' }), { code: 'answers' })
  // The same words, asked before.
  await t.rejects(engine.answer(run.id, null, 'q0'), { code: 'not-waiting' })
  await engine.answer(run.id, { 'Which colour?': 'blue' })
  await t.rejects(engine.answer(run.id, null), { code: 'not-waiting' })
  t.equal((await run.result).status, 'succeeded')
  t.same(sent, [{ kind: 'answer', id: 'q1', answers: { 'Which colour?': 'blue' } }])
  await t.rejects(engine.answer(run.id, null), { code: 'not-waiting' })
  await t.rejects(engine.answer('0000000000000000', null), { code: 'unknown-run' })
})

t.test('an unanswered question closes at its deadline, and the run continues', async t => {
  const { run, sent, held } = asking({ questionSeconds: 0.02 })
  const seen: unknown[] = []
  for await (const event of run.events) if (event.kind === 'question-closed') seen.push(event)
  t.match(seen, [{ outcome: 'unanswered' }])
  t.same(sent, [{ kind: 'answer', id: 'q1', answers: null }])
  t.equal((await run.result).status, 'succeeded')
  t.equal(held(), 0, 'the workspace is free')
})

t.test('without a person to ask, the answer is "no answer" at once', async t => {
  const { run, sent } = asking({ asks: false })
  t.equal((await run.result).status, 'succeeded')
  t.same(sent, [{ kind: 'answer', id: 'q1', answers: null }])
})

t.test('answers must fit the questions', async t => {
  const several = [...questions, { question: 'Which?', multiSelect: true, options: [] }]
  checkAnswers(several, { 'Which colour?': 'red', 'Which?': ['a', 'b'] })
  const wrong: Answers[] = [{}, { 'Which colour?': 'red' }, { 'Which?': 'a', x: 'y' }]
  for (const answers of wrong) {
    t.throws(() => checkAnswers(several, answers), { code: 'answers' })
  }
  t.throws(() => checkAnswers(questions, { 'Which colour?': ['red', 'blue'] }), {
    message: /one choice/,
  })
})
