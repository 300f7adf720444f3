import t from 'tap'
import { until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, {})

const questions = [
  {
    question: 'Which colour?',
    header: 'Colour',
    multiSelect: false,
    options: [
      { label: 'red', description: 'warm' },
      { label: 'blue', description: 'cold' },
    ],
  },
]
const asking = `[[tool AskUserQuestion ${JSON.stringify({ questions })}]]`

type Listed = { runId: string; status: string; question: { id: string } | null }
const list = async () => JSON.parse((await stack.cli(['run', 'list', '--json'])).stdout) as Listed[]
const stateOf = async (id: string) => (await list()).find(({ runId }) => runId === id)?.status

async function detach(...options: string[]) {
  const { code, stdout, stderr } = await stack.cli([
    ...['run', '--detach', '--no-continue', ...options, asking],
  ])
  t.equal(code, 0, stderr)
  return stdout.trim()
}

t.test('a question of a run is answered on its terminal', async t => {
  const terminal = await stack.terminal(['run', '--no-continue', asking])
  await terminal.waitFor(/Colour: Which colour\?[\s\S]*1\. red \(warm\)[\s\S]*2\. blue \(cold\)/)
  await terminal.type('2')
  await terminal.press('Enter')
  await terminal.waitFor(/Which colour\?[\s\S]*blue[\s\S]*\$\d/)
  t.equal(await terminal.exitStatus(), 0)
  const [run] = await list()
  t.match(run, { status: 'succeeded', question: null })
})

t.test('a detached run waits, and answer reaches it', async t => {
  const id = await detach()
  await until('the run to wait', async () => (await stateOf(id)) === 'waiting')
  const shown = await stack.cli(['answer'])
  t.match(shown, { code: 0, stdout: /Which colour\?[\s\S]*1\. red/ })
  t.match(await stack.cli(['answer', 'ffffffffffffffff', '1']), { code: 2 })
  const answered = await stack.cli(['answer', '2'])
  t.equal(answered.code, 0, answered.stderr)
  const result = await stack.cli(['run', 'result', id, '--wait'])
  t.match(result, { code: 0, stdout: /blue/ })
  t.match(await stack.cli(['answer', id, '1']), { code: 1, stderr: /does not wait/ })
})

t.test('an unanswered question ends at its deadline, and the lease is released', async t => {
  const id = await detach('--ask-timeout', '2')
  const result = await stack.cli(['run', 'result', id, '--wait', '--output-format', 'json-verbose'])
  t.equal(result.code, 0, result.stderr)
  t.match(JSON.stringify(JSON.parse(result.stdout).turns), /no answer/i, 'the model is told')
  t.match((await stack.cli(['run', 'logs', id])).stdout, /the question was not answered/)
  t.match(await stack.cli(['run', '[[say free]]']), { code: 0, stdout: 'free\n' })
})

t.test('a run without a terminal does not offer the question', async t => {
  await stack.internet.forgetModelRequests()
  t.match(await stack.cli(['run', '--no-continue', '[[say ok]]']), { code: 0, stdout: 'ok\n' })
  const { seenPrompts } = await import('../support/run/seen-prompts.ts')
  const tools = (await seenPrompts(stack)).flatMap(({ tools }) => tools)
  t.notOk(tools.includes('AskUserQuestion'))
})
