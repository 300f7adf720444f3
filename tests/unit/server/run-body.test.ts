import t from 'tap'
import { ignoredHeader, parseRunBody } from '../../../src/server/api/run-body.ts'
import { HttpError } from '../../../src/tenants/http-error.ts'

const parse = (input: unknown, strict = false) => parseRunBody(input, { strict })
const detailOf = (input: unknown) => {
  try {
    parse(input)
    return null
  } catch (error) {
    return error instanceof HttpError ? error.detail : error
  }
}

t.test('every member has a camel and a snake spelling', async t => {
  const camel = {
    prompt: 'x',
    systemPrompt: 's',
    appendSystemPrompt: 'a',
    jsonSchema: '{"type":"object"}',
    outputFormat: 'json-verbose',
    noContinue: true,
    fireAndForget: 'true',
    timeoutSeconds: 5,
    maxBudgetUsd: 1,
    async: 1,
  }
  const snake = {
    prompt: 'x',
    system_prompt: 's',
    append_system_prompt: 'a',
    json_schema: { type: 'object' },
    output_format: 'json-verbose',
    no_continue: true,
    fire_and_forget: true,
    timeout_seconds: 5,
    max_budget_usd: 1,
    async_mode: true,
  }
  t.same(parse(camel), parse(snake))
  t.match(parse(camel).body, { async: true, fireAndForget: true, jsonSchema: { type: 'object' } })
  t.equal(
    parse({ prompt: 'x', system_prompt: 'old', systemPrompt: 'new' }).body.systemPrompt,
    'new',
  )
})

t.test('null and empty texts are absent', async t => {
  const { body } = parse({
    prompt: 'x',
    model: '',
    effort: null,
    resume: '',
    async: null,
    tools: null,
  })
  t.same(body, parse({ prompt: 'x' }).body)
  t.match(detailOf({ prompt: '' }), [{ type: 'missing', loc: ['body', 'prompt'] }])
})

t.test('a problem names its member, and does not send a large value back', async t => {
  t.match(detailOf({ prompt: 'x', timeoutSeconds: 90_000 }), [
    { type: 'less_than_equal', loc: ['body', 'timeoutSeconds'], input: 90_000 },
  ])
  t.match(detailOf({ prompt: 'x', model: `-${'m'.repeat(5_000)}` }), [
    { type: 'value_error', loc: ['body', 'model'], input: /^.{200}$/ },
  ])
  t.match(detailOf({ prompt: [{ type: 'image', source: { type: 'url', url: 'http://x' } }] }), [
    { loc: ['body', 'prompt'], msg: 'must be text or a list of blocks' },
  ])
  t.match(detailOf({ prompt: 'x', resume: '--settings={}' }), [{ loc: ['body', 'resume'] }])
  t.match(detailOf('text'), [{ type: 'model_attributes_type', loc: ['body'] }])
})

t.test('ignored members become one header of bounded, encoded names', async t => {
  const names = [
    'a b',
    'é',
    '\ud800',
    'x\r\ny',
    '__proto__',
    ...Array.from({ length: 100 }, (_, index) => String(index)),
  ]
  const { 'x-ignored-fields': value = '' } = ignoredHeader(names)
  t.match(value, /^[\x21-\x7e]+$/)
  t.match(value, /^a%20b,%C3%A9,%EF%BF%BD,x%0D%0Ay,__proto__,0,1/)
  t.equal(value.split(',').length, 20)
  t.same(ignoredHeader([]), {})
  t.same(parse(JSON.parse('{"prompt":"x","__proto__":{"a":1}}')).ignored, ['__proto__'])
})
