import { text } from 'node:stream/consumers'
import t from 'tap'
import type { RunnerEvent } from '../../../src/run/runner-protocol.ts'
import { until } from '../../support/stack/process.ts'
import { eventsOf, parts, startRunner } from './fixture.ts'

const questions = [
  {
    question: 'Which colour?',
    header: 'Colour',
    multiSelect: true,
    options: [{ label: 'Red', description: 'warm' }, { label: 'Blue' }],
  },
]
const ask = (input: object = { questions }, tool = 'AskUserQuestion') =>
  `ask ${JSON.stringify({ tool_name: tool, input })}`

type Runner = Awaited<ReturnType<typeof startRunner>>

/** A run up to its question, and what comes after. */
async function asking(runner: Runner, outer: object = {}, prompt = ask()) {
  const run = await runner.begin(prompt, {}, { asks: true, ...outer })
  let lines = ''
  const done = text(
    run.answer.on('data', more => {
      lines += more
    }),
  )
  await until('the question', async () => lines.includes('"kind":"question"'))
  const question = eventsOf(lines).find(event => event.kind === 'question')
  const answer = (answers: object | null, id = question?.id) =>
    runner.ask('POST', '/input', { runId: run.runId, input: { kind: 'answer', id, answers } })
  return { ...run, question, answer, events: async () => eventsOf(await done) }
}
const closed = (events: RunnerEvent[]) => events.find(event => event.kind === 'question-closed')
const response = (events: RunnerEvent[]) => JSON.parse(parts(events).result?.result ?? '')

t.test('a question goes to the client, and its answer to the model', async t => {
  const runner = await startRunner(t)
  const run = await asking(runner)
  t.match(run.question, { questions, deadlineSeconds: 600 })
  t.match(await run.answer({ 'Which colour?': 'Red' }, 'q99'), { status: 404 }, 'another id')
  t.match(await run.answer({ 'Which colour?': ['Red', 'Blue'], more: 'x' }), { status: 200 })
  t.match(await run.answer({ 'Which colour?': 'Blue' }), { status: 404 }, 'a second answer')
  const events = await run.events()
  t.strictSame(response(events), {
    behavior: 'allow',
    updatedInput: { questions, answers: { 'Which colour?': 'Red, Blue' } },
  })
  t.match(closed(events), { id: run.question?.id, outcome: 'answered' })
  t.match(parts(events).ended, { outcome: 'completed' })
})

t.test('without an answer the model is told so', async t => {
  const runner = await startRunner(t)
  const late = await asking(runner, { questionSeconds: 1 })
  const none = { behavior: 'deny', message: /^No answer: / }
  const events = await late.events()
  t.match(response(events), none, 'the deadline is over')
  t.match(closed(events), { outcome: 'unanswered' })
  for (const answers of [null, {}, { 'Another question?': 'Red' }]) {
    const run = await asking(runner)
    t.match(await run.answer(answers), { status: 200 })
    t.match(response(await run.events()), none)
  }
})

t.test('a run that has no one to ask is refused at once, as without a host', async t => {
  const runner = await startRunner(t)
  const events = await runner.run(ask())
  t.equal(
    events.some(event => event.kind === 'question'),
    false,
  )
  t.match(response(events), { behavior: 'deny' })
})

t.test('a rule that asks before a tool is used still refuses it', async t => {
  const runner = await startRunner(t)
  const events = await runner.run(ask({ command: 'touch x' }, 'Bash'), {}, { asks: true })
  t.strictSame(response(events), {
    behavior: 'deny',
    message: "Claude requested permissions to use Bash, but you haven't granted it yet.",
  })
})

t.test('a question of a hostile form or size is refused', async t => {
  const runner = await startRunner(t)
  const [question] = questions
  for (const input of [
    {},
    { questions: [] },
    { questions: 'x' },
    { questions: Array(11).fill(question) },
    { questions: [{ ...question, question: 'x'.repeat(10_001) }] },
    { questions: [{ ...question, options: Array(21).fill({ label: 'x' }) }] },
  ]) {
    const events = await runner.run(ask(input), {}, { asks: true })
    t.match(response(events), { behavior: 'deny', message: /cannot be shown/ })
  }
})

t.test('a cancel while a question waits ends the run, and the question', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const run = await asking(runner)
  const cancel = { runId: run.runId, input: { kind: 'cancel' } }
  t.match(await runner.ask('POST', '/input', cancel), { status: 200 })
  const events = await run.events()
  t.match(closed(events), { outcome: 'unanswered' })
  t.match(parts(events).ended, { outcome: 'cancelled' })
  t.equal(await run.answer({ 'Which colour?': 'Red' }).then(({ status }) => status), 404)
  t.match(parts(await runner.run('free again', {}, { asks: true })).started, { warm: true })
  t.match(parts(await runner.run('free again')).started, { warm: false }, 'another profile')
})
