import t from 'tap'
import { createFigures, describeUse } from '../../../../src/cli/run/figures.ts'
import { createProgress } from '../../../../src/cli/run/progress.ts'
import { transcript } from '../../../support/run/transcript.ts'

t.test('what a run does and has used is read from its messages', async t => {
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
  t.match(figures.spent(), [/^\d\d\.\dk tokens$/, /^\$0\.\d{4}$/])
})

t.test('a model that does not answer is told', async t => {
  const figures = createFigures()
  for (const message of transcript('error-529').slice(0, 4)) figures.add(message)
  t.match(figures.doing(), /did not answer, attempt 2/)
})

t.test('a tool is told by the first thing its input says', async t => {
  t.equal(describeUse({ name: 'Read', input: { file_path: '/a', limit: 3 } }), 'Read: /a')
  t.equal(describeUse({ name: 'Task', input: { command: 7 } }), 'Task')
})

t.test('the live line is one line without escapes, and goes away', async t => {
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
  const usage = { input_tokens: 1, output_tokens: 1 }
  const message = { type: 'assistant', message: { id: 'm', usage, content } }
  progress.event({ kind: 'claude', message })
  progress.stop()
  t.ok(written.endsWith('\r\x1b[K'))
  const drawn = written.split('\r\x1b[K')
  t.ok(
    drawn.every(line => line.length < 60 && !/[\x00-\x1f]/.test(line)),
    drawn.join('|'),
  )
  t.match(written, /Bash: a b/)
})
