import t, { type Test } from 'tap'
import { until } from '../support/stack/process.ts'
import { type Done, openRun } from '../support/stack/run-client.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { worker: true })
const container = stack.container('worker')
const fresh = { session: { kind: 'fresh' } }
const open = (prompt: string, request: object = fresh, outer: object = { asks: true }) =>
  openRun(container, prompt, request, '/workspace', outer)

const questions = [
  {
    question: 'Which colour?',
    header: 'Colour',
    multiSelect: true,
    options: [
      { label: 'Red', description: 'warm' },
      { label: 'Blue', description: 'cold' },
    ],
  },
]
const ask = `[[tool AskUserQuestion ${JSON.stringify({ questions })}]]`

type Tools = { tools: { name: string }[] }
const offered = async () => {
  const { body = '{}' } = (await stack.internet.modelRequests()).at(-1) ?? {}
  return (JSON.parse(body) as Tools).tools.map(({ name }) => name)
}

/**
 * Cancels runs until Claude Code has confirmed an interrupt, for which it has half a second: on a busy machine it is
 * ended instead, which is as good an end.
 */
async function untilInterrupted(t: Test, cancelled: () => Promise<Done>): Promise<Done> {
  return until('a confirmed interrupt', async () => {
    const done = await cancelled()
    t.match(done.ended, { outcome: 'cancelled' })
    return done.ended?.exitCode === null && done.ended.signal === null && done
  })
}
const inWorker = async (pattern: string) =>
  (await stack.inside(['pgrep', '-fc', pattern], { service: 'worker' })).stdout.trim()

t.test('the model asks a question and reads the answer', async t => {
  const client = open(ask)
  const question = await client.event('question')
  t.match(question, { questions, deadlineSeconds: 600 })
  const { id } = question as { id: string }
  client.send({ kind: 'answer', id: 'q99', answers: { 'Which colour?': 'Red' } })
  client.send({ kind: 'answer', id, answers: { 'Which colour?': ['Red', 'Blue'] } })
  const { toolResults, ended, events } = await client.done
  t.match(toolResults.join(), /Which colour\?.*Red, Blue/s)
  t.match(ended, { outcome: 'completed' })
  t.match(
    events.find(event => event.kind === 'question-closed'),
    { outcome: 'answered' },
  )
})

t.test('a question without an answer ends at its deadline, and the model is told', async t => {
  const late = await open(ask, fresh, { asks: true, questionSeconds: 1 }).done
  t.match(late.toolResults.join(), /^No answer: /)
  t.match(late.ended, { outcome: 'completed' })
  const client = open(ask)
  const { id } = (await client.event('question')) as { id: string }
  client.send({ kind: 'answer', id, answers: null })
  t.match((await client.done).toolResults.join(), /^No answer: /)
})

t.test('only a run that asks is offered the tool', async t => {
  await open('x [[say x]]').done
  t.ok((await offered()).includes('AskUserQuestion'))
  t.notOk((await offered()).some(name => /PlanMode/.test(name)))
  const silent = await open(ask, fresh, {}).done
  t.match(silent.toolResults.join(), /No such tool available: AskUserQuestion/)
  t.notOk((await offered()).includes('AskUserQuestion'))
  t.notOk(silent.events.some(event => event.kind === 'question'))
})

t.test('a settings rule `ask` refuses the tool, with a host and without', async t => {
  const write =
    'mkdir -p ~/.claude; echo \'{"permissions":{"ask":["Bash(touch:*)"]}}\' > ~/.claude/settings.json'
  await open(`[[bash ${write}]]`).done
  for (const outer of [{ asks: true }, {}]) {
    const { toolResults } = await open('[[bash touch asked-first]]', fresh, outer).done
    t.match(toolResults.join(), "haven't granted it yet", JSON.stringify(outer))
  }
  await open('[[bash rm ~/.claude/settings.json]]').done
})

t.test('a cancel interrupts, and the process serves the next turn', async t => {
  const { ended, started } = await untilInterrupted(t, async () => {
    const client = open('slow [[stream 100000 20 10]]')
    await client.event('claude', 'text_delta')
    const before = Date.now()
    client.send({ kind: 'cancel' })
    await client.done
    t.comment(`cancelled in ${Date.now() - before} ms`)
    return client.done
  })
  t.equal(ended?.swept, 0)
  const next = await open('next [[say fine]]', {}).done
  t.match(next.started, { warm: true, sessionId: started?.sessionId })
  t.match(next.result, { result: 'fine' })
})

t.test('a cancel while a tool runs and while a question waits leaves nothing', async t => {
  const client = open('[[bash tail -f /dev/null]]')
  await until('the tool', async () => (await inWorker('^tail -f')) === '1')
  client.leave()
  t.match((await client.done).ended, { outcome: 'cancelled' })
  t.equal(await inWorker('^tail -f'), '0')
  const { events } = await untilInterrupted(t, async () => {
    const asking = open(ask)
    await asking.event('question')
    asking.leave()
    return asking.done
  })
  t.match(
    events.find(event => event.kind === 'question-closed'),
    { outcome: 'unanswered' },
  )
})

t.test('if a process of the run survives the interrupt, Claude Code is ended too', async t => {
  const client = open('[[bash (setsid sleep 2002 &) ; sleep 2003]]')
  await until('both', async () => (await inWorker('^sleep 200[23]')) === '2')
  client.leave()
  const { ended } = await client.done
  t.equal(ended?.outcome, 'cancelled')
  t.ok(Number(ended?.swept) >= 1)
  t.ok(ended?.exitCode !== null || ended?.signal !== null, 'its process does not live on')
  t.equal(await inWorker('^sleep 200[23]'), '0')
})
