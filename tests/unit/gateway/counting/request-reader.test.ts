import t from 'tap'
import {
  createRequestReader,
  largestContext,
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
  t.strictSame(read(JSON.stringify(body)), {
    model: 'claude-opus-5',
    maxTokens: 32_000,
    terms,
    fetchedTokens: 0,
  })
  const more = { ...body, speed: 'fast', inference_geo: 'us' }
  t.strictSame(read(JSON.stringify(more)).terms, { fast: true, unitedStates: true })
})

t.test('a member that stands twice counts at its worst', async t => {
  const twice = '{"max_tokens":32000,"max_tokens":1,"model":"a","model":"b"}'
  t.strictSame(read(twice), { model: null, maxTokens: 32_000, terms, fetchedTokens: 0 })
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
    const most = { model: null, maxTokens: unreadMaxTokens, terms }
    t.match(read(body), most, body.slice(0, 30))
  }
  const unread = { maxTokens: unreadMaxTokens, fetchedTokens: largestContext }
  t.match(read('{"max_tokens":1}', 'utf16le'), unread, 'in UTF-16')
  t.match(read('{"max_tokens":1'), unread, 'without its end')
})

t.test('a body that names what the origin fetches asks for the largest context', async t => {
  const fetched = (part: string) =>
    read(`{"model":"a","max_tokens":1,"messages":[{"content":[${part}]}]}`).fetchedTokens
  for (const part of [
    '{"type":"document","source":{"type":"url","url":"https://a.example/x.pdf"}}',
    '{"type":"image","source":{"url":"https://a.example/x.png", "type" :\n\t"url"}}',
    '{"source":{"t\\u0079pe":"\\u0075rl"}}',
    '{"source":{"type":"file","file_id":"f"}}',
    '{"type":"web_search_20250305"}',
    '{"type":"web_fetch_20250910"}',
    '{"type":"code_execution_20250825"}',
    '{"type":"container_upload"}',
    '{"type":"mcp_toolset"}',
  ]) {
    t.equal(fetched(part), largestContext, part)
  }
  for (const part of [
    '{"type":"text","text":"{\\"type\\":\\"url\\"}"}',
    '{"input_schema":{"properties":{"url":{"type":"string"},"type":{"enum":["url","file"]}},"required":["type","url"]}}',
    '{"type":"image","source":{"type":"base64","data":"url"}}',
    '{"x":["type","url"],"type":"text","url":"file"}',
    `{"type":"${'url'.repeat(200)}"}`,
  ]) {
    t.equal(fetched(part), 0, part.slice(0, 80))
  }
})
