import t from 'tap'
import { createFigures, createProgress, describeToolUse } from '../../../../src/cli/run/progress.ts'
import { transcript } from '../../../support/run/transcript.ts'

t.test('the activity and usage of a run are read from its messages', async t => {
  const figures = createFigures()
  t.equal(figures.doing(), 'waiting for the model')
  t.same(figures.spent(), [])
  const doings = new Set<string>()
  for (const message of transcript('tools')) {
    figures.add(message)
    doings.add(figures.doing())
  }
  t.same(
    [...doings],
    [
      'waiting for the model',
      'Bash: echo hi',
      'Bash: seq 1 2000',
      'Bash: echo no >&2; exit 3',
      'answering',
    ],
  )
  t.same(figures.spent(), ['58.1k tokens', '$0.2326'])
})

t.test('tokens and cost during the run match the sums of Claude Code at its end', async t => {
  const figures = createFigures()
  const shown: string[][] = []
  for (const message of transcript('tools').filter(({ type }) => type !== 'result')) {
    if (figures.add(message)) shown.push(figures.spent())
  }
  t.same(shown[0], ['13.1k tokens', '$0.0522'], 'after the first answer')
  t.same(shown.at(-1), ['58.1k tokens', '$0.2326'], 'the result has the same')
})

const answer = (id: string, model: string, usage: object) => ({
  type: 'assistant',
  message: { id, model, usage: { input_tokens: 0, output_tokens: 1, ...usage }, content: [] },
})

t.test('cached tokens count, and a model without a price has no cost', async t => {
  const figures = createFigures()
  figures.add(answer('a', 'claude-opus-5-5', { cache_read_input_tokens: 1_000_000 }))
  t.same(figures.spent(), ['1.00M tokens', '$0.2000'])
  figures.add(answer('b', 'some-other-model-1', { input_tokens: 500_000 }))
  t.same(figures.spent(), ['1.50M tokens'])
  figures.add({ type: 'result', total_cost_usd: 0.5 })
  t.same(figures.spent(), ['1.50M tokens', '$0.5000'])
})

t.test('a model API that does not respond is shown', async t => {
  const figures = createFigures()
  for (const message of transcript('error-529').slice(0, 4)) figures.add(message)
  t.match(figures.doing(), /did not respond, attempt 2/)
})

t.test('a tool is described by the first value of its input', async t => {
  t.equal(describeToolUse({ name: 'Read', input: { file_path: '/a', limit: 3 } }), 'Read: /a')
  t.equal(describeToolUse({ name: 'Task', input: { command: 7 } }), 'Task')
})

t.test('the live line is one line without escape sequences, and is removed', async t => {
  let written = ''
  const stream = {
    isTTY: true,
    columns: 60,
    write: (text: string) => {
      written += text
      return true
    },
  } as unknown as NodeJS.WriteStream
  const progress = createProgress(stream, () => 0)
  const input = { command: `\x1b]0;owned\x07a\nb${'x'.repeat(500)}` }
  const content = [{ type: 'tool_use', name: 'Bash', input }]
  const usage = { input_tokens: 30_000, output_tokens: 1 }
  const message = {
    type: 'assistant',
    message: { id: 'm', model: 'claude-opus-5-5', usage, content },
  }
  progress.event({ kind: 'claude', message })
  progress.stop()
  t.ok(written.endsWith('\r\x1b[K'))
  const drawn = written.split('\r\x1b[K')
  t.ok(
    drawn.every(line => line.length < 60 && !/[\x00-\x1f]/.test(line)),
    drawn.join('|'),
  )
  t.match(written, /Bash: a b/)
  t.match(
    drawn.at(-2),
    /… · 0 s · 30\.0k tokens · \$0\.1200$/,
    'what it does is cut, its cost is not',
  )
  written = ''
  progress.sum()
  t.equal(written, '0 s · 30.0k tokens · $0.1200\n')
})
