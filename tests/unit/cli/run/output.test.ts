import { PassThrough } from 'node:stream'
import t from 'tap'
import { createOutput } from '../../../../src/cli/run/output.ts'
import type { OutputFormat } from '../../../../src/cli/run/output-format.ts'
import { resultOf, transcript } from '../../../support/run/transcript.ts'

const { signal } = new AbortController()

/** What stdout gets of a run. */
async function printed(
  name: string,
  format: OutputFormat,
  { keys, ...options }: { isTTY?: boolean; keys?: 'camel' } = {},
) {
  const stream = Object.assign(new PassThrough(), options) as unknown as NodeJS.WriteStream
  const output = createOutput({ format, partial: false, signal, stream, ...(keys && { keys }) })
  const result = resultOf(name)
  for (const message of transcript(name)) await output.event({ kind: 'claude', message })
  await output.event({ kind: 'ended', result })
  await output.result(result)
  stream.end()
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

t.test("each format is its renderer's output and a newline", async t => {
  t.equal(await printed('text', 'text'), 'Hello from the model.\n')
  t.match(JSON.parse(await printed('text', 'json')), { result: 'Hello from the model.' })
  t.match(JSON.parse(await printed('text', 'json-verbose')), { turns: Array })
  const lines = (await printed('text', 'stream-json')).trimEnd().split('\n')
  t.match(JSON.parse(lines.at(-1) ?? ''), { type: 'result' })
  t.equal(await printed('error-401', 'text'), '')
  t.match(JSON.parse(await printed('error-401', 'json')), { is_error: true })
})

t.test('every JSON format has camelCase keys on request, and text is the same', async t => {
  const keys = 'camel'
  t.equal(await printed('text', 'text', { keys }), 'Hello from the model.\n')
  for (const format of ['json', 'json-verbose', 'stream-json'] as const) {
    const text = await printed('text', format, { keys })
    t.match(JSON.parse(text.trimEnd().split('\n').at(-1) ?? ''), {
      isError: false,
      totalCostUsd: Number,
      sessionId: String,
    })
    t.notMatch(text, /"(session_id|total_cost_usd|is_error)"/, format)
  }
})

t.test(
  'a terminal gets no escape sequences of a model, a pipe gets the text unchanged',
  async t => {
    t.match(await printed('hostile-text', 'text'), '\x1b]0;owned\x07\x1b[31mred\u202e end\n')
    t.equal(await printed('hostile-text', 'text', { isTTY: true }), 'red end\n')
    for (const format of ['json', 'json-verbose', 'stream-json'] as const) {
      t.notMatch(
        await printed('hostile-text', format, { isTTY: true }),
        /[\x00-\x09\x0b-\x1f\u202e]/,
      )
    }
  },
)

t.test('an answer that ends with a newline gets no second one', async t => {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream
  const output = createOutput({ format: 'text', partial: false, signal, stream })
  const result = resultOf('text')
  await output.result({ ...result, claude: { ...result.claude, result: 'one\ntwo\n' } })
  t.equal(String(stream.read()), 'one\ntwo\n')
})

t.test('a stalled reader is waited for until the command is aborted', async t => {
  const controller = new AbortController()
  const stream = new PassThrough({ highWaterMark: 1 }) as unknown as NodeJS.WriteStream
  const output = createOutput({
    format: 'text',
    partial: false,
    signal: controller.signal,
    stream,
  })
  const written = output.result(resultOf('text'))
  controller.abort()
  await written
  t.pass('it went on')
})
