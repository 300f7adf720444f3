import t from 'tap'
import { noUsage, parseUsage } from '../../../../src/gateway/counting/reported-usage.ts'

t.test('all kinds of tokens are read', async t => {
  const usage = parseUsage({
    input_tokens: 10,
    output_tokens: 20,
    cache_creation_input_tokens: 300,
    cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
    cache_read_input_tokens: 40,
    server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
    service_tier: 'standard',
    speed: 'fast',
    inference_geo: 'us',
  })
  t.strictSame(usage, {
    tokens: {
      input: 10,
      output: 20,
      cacheWrite5m: 100,
      cacheWrite1h: 200,
      cacheRead: 40,
      webSearches: 2,
    },
    terms: { fast: true, unitedStates: true },
    apart: [],
  })
})

t.test('the later report wins, and a missing field keeps the earlier value', async t => {
  const start = parseUsage({
    input_tokens: 10,
    output_tokens: 1,
    cache_creation_input_tokens: 5,
    cache_creation: { ephemeral_1h_input_tokens: 5 },
    speed: 'fast',
  })
  t.match(parseUsage({ output_tokens: 50 }, start ?? noUsage), {
    tokens: { input: 10, output: 50, cacheWrite1h: 5, cacheWrite5m: 0 },
    terms: { fast: true },
  })
  t.match(parseUsage({ input_tokens: 0, output_tokens: 50 }, start ?? noUsage), {
    tokens: { input: 10 },
  })
  t.match(parseUsage({ input_tokens: 99, output_tokens: null }, start ?? noUsage), {
    tokens: { input: 99, output: 1 },
  })
})

t.test('tokens written for an hour never exceed the tokens written', async t => {
  t.match(
    parseUsage({
      cache_creation_input_tokens: 10,
      cache_creation: { ephemeral_1h_input_tokens: 99 },
    }),
    { tokens: { cacheWrite1h: 10, cacheWrite5m: 0 } },
  )
})

t.test('usage of other models and of compaction is kept apart from the totals', async t => {
  const usage = parseUsage({
    input_tokens: 10,
    iterations: [
      { type: 'message', input_tokens: 10, output_tokens: 1 },
      { type: 'compaction', input_tokens: 1000, output_tokens: 100 },
      { type: 'advisor_message', model: 'claude-opus-5', input_tokens: 7 },
    ],
  })
  t.match(usage?.tokens, { input: 10 })
  t.match(usage?.apart, [
    { model: null, tokens: { input: 1000, output: 100 } },
    { model: 'claude-opus-5', tokens: { input: 7, output: 0 } },
  ])
})

t.test('invalid usage is rejected', async t => {
  for (const value of [
    undefined,
    null,
    [],
    'usage',
    { input_tokens: -1 },
    { input_tokens: 1.5 },
    { input_tokens: '1' },
    { output_tokens: 1e300 },
    { cache_creation: 1 },
    { iterations: Array(1000).fill({ type: 'compaction' }) },
  ]) {
    t.equal(parseUsage(value), null, JSON.stringify(value)?.slice(0, 60))
  }
})
