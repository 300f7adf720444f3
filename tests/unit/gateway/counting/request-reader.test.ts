import t from 'tap'
import {
  createRequestReader,
  unreadMaxTokens,
} from '../../../../src/gateway/counting/request-reader.ts'

function read(text: string, encoding: BufferEncoding = 'utf8') {
  const reader = createRequestReader()
  const bytes = Buffer.from(text, encoding)
  for (let at = 0; at < bytes.length; at += 7) reader.write(bytes.subarray(at, at + 7))
  return reader.asked()
}

const terms = { fast: false, unitedStates: false }

t.test('the model and the most tokens are read, wherever they stand', async t => {
  const messages = [{ role: 'user', content: '"max_tokens": 1, "model": "x"', max_tokens: 2 }]
  const body = { messages, metadata: { model: 'x' }, max_tokens: 32_000, model: 'claude-opus-5' }
  t.strictSame(read(JSON.stringify(body)), { model: 'claude-opus-5', maxTokens: 32_000, terms })
  const more = { ...body, speed: 'fast', inference_geo: 'us' }
  t.strictSame(read(JSON.stringify(more)).terms, { fast: true, unitedStates: true })
})

t.test('a member that stands twice counts at its worst', async t => {
  const twice = '{"max_tokens":32000,"max_tokens":1,"model":"a","model":"b"}'
  t.strictSame(read(twice), { model: null, maxTokens: 32_000, terms })
  t.equal(read('{"max_tokens":1,"max\\u005ftokens":32000}').maxTokens, 32_000, 'also when escaped')
})

t.test('a body that cannot be read asks for the most', async t => {
  for (const body of [
    '',
    '{}',
    '[{"max_tokens":1}]',
    '{"max_tokens":1',
    '{"max_tokens":"1"}',
    '{"max_tokens":-1}',
    '{"max_tokens":1.5}',
    `{"max_tokens":${' '.repeat(2_000)}1}`,
  ]) {
    t.strictSame(read(body), { model: null, maxTokens: unreadMaxTokens, terms }, body.slice(0, 30))
  }
  t.equal(read('{"max_tokens":1}', 'utf16le').maxTokens, unreadMaxTokens, 'in UTF-16')
})
