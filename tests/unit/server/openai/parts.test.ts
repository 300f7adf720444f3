import t from 'tap'
import { StoredToken } from '../../../../src/config/tenants.ts'
import type { RunFailure } from '../../../../src/run/failure.ts'
import type { RunResult } from '../../../../src/run/result.ts'
import { finishReasonOf, textOfResult, usageOf } from '../../../../src/server/openai/completion.ts'
import { blocksOf } from '../../../../src/server/openai/content.ts'
import { modelObjects, parseModel } from '../../../../src/server/openai/models.ts'
import { openAiEnvelope, openAiErrorOf } from '../../../../src/server/openai/openai-error.ts'
import { failureOf } from '../../../../src/server/openai/run-failure.ts'
import { tokensOf } from '../../../../src/server/openai/token-counts.ts'
import { HttpError } from '../../../../src/tenants/http-error.ts'
import { storedToken } from '../../../integration/server/fixture.ts'

const anyToken = StoredToken.parse(storedToken('a', 'x'))

t.test('a model is known by its alias, its full name, or the words for none', async t => {
  const chosen = (name: string | null | undefined) => parseModel(name, anyToken)
  for (const name of [
    'haiku',
    'sonnet[1m]',
    'opusplan',
    'fable',
    'best',
    'claude-opus-4-8',
    'claude-x[1m]',
  ]) {
    t.same(chosen(name), { shown: name, model: name })
    t.same(chosen(`openrouter/anthropic/${name}`), { shown: name, model: name })
  }
  for (const name of [null, undefined, '', 'default', 'claude', 'x/claude']) {
    t.equal(chosen(name).model, undefined)
  }
  for (const name of ['gpt-4o', 'haiku2', 'claude-', 'claude-\n', 'claude-x --settings', '../x']) {
    t.throws(
      () => chosen(name),
      { message: /does not exist/, more: { code: 'model_not_found' } },
      name,
    )
  }
  const few = StoredToken.parse(storedToken('a', 'x', { models: ['opus'] }))
  t.same(
    modelObjects(few).map(({ id }) => id),
    ['opus'],
  )
})

t.test('a refusal has the status and the code of OpenAI', async t => {
  const shown = (status: number, detail: ConstructorParameters<typeof HttpError>[1]) => {
    const error = openAiErrorOf(new HttpError(status, detail))
    return { status: error.status, ...openAiEnvelope(error).error }
  }
  t.match(shown(402, 'used up'), {
    status: 429,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
  })
  t.match(shown(429, 'x'), { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' })
  t.match(shown(503, 'x'), { status: 503, type: 'server_error', code: null, param: null })
  const issue = { type: 'enum', loc: ['body', 'a', 0], msg: 'bad', input: null }
  t.match(shown(422, [issue]), { status: 400, message: 'bad', param: 'a.0' })
  t.match(shown(400, 'workspace not found: x'), { status: 404, code: 'workspace_not_found' })
})

t.test('a failed run has the status of what failed', async t => {
  const status = (error: RunFailure | null) =>
    failureOf({ status: 'failed', error, runId: 'r' } as RunResult)?.status
  const silent = { seconds: 1, retry: null, silent: true }
  const words = 'w'
  t.equal(status({ code: 'api-status', status: 401, words, atGateway: false }), 502)
  t.equal(status({ code: 'api-status', status: 404, words, atGateway: false }), 404)
  t.equal(status({ code: 'api-gave-up', status: 529, words }), 529)
  t.equal(status({ code: 'api-gave-up', status: null, words }), 504)
  t.equal(status({ code: 'timed-out', ...silent }), 504)
  t.equal(status({ code: 'prompt-too-long', words }), 400)
  t.equal(status({ code: 'max-budget', words }), 429)
  t.equal(status({ code: 'interrupted' }), 503)
  t.equal(status({ code: 'cancelled' }), 499)
  t.equal(status(null), 502)
  t.equal(failureOf({ status: 'succeeded', error: null, runId: 'r' } as RunResult), null)
})

t.test('a result becomes an answer', async t => {
  const of = (claude: Record<string, unknown> | null) => ({ claude })
  t.equal(textOfResult(of({ result: 'a' })), 'a')
  t.equal(textOfResult(of({ result: 'a', structured_output: { b: null } })), '{"b":null}')
  t.equal(textOfResult(of(null)), '')
  t.same(
    ['end_turn', 'stop_sequence', 'max_tokens', 'tool_use', 'refusal', null].map(stop_reason =>
      finishReasonOf(of({ stop_reason })),
    ),
    ['stop', 'stop', 'length', 'stop', 'content_filter', 'stop'],
  )
  const usage = { input_tokens: 1, cache_creation_input_tokens: 2, cache_read_input_tokens: 4 }
  t.match(usageOf(tokensOf(of({ usage }))), {
    prompt_tokens: 7,
    completion_tokens: 0,
    total_tokens: 7,
    prompt_tokens_details: { cached_tokens: 4 },
  })
  t.match(usageOf(tokensOf(of({ usage: { input_tokens: 'x' } }))), { total_tokens: 0 })
})

t.test('only data: URLs are read, and never fetched', async t => {
  const image = (url: string) => () => blocksOf([{ type: 'image_url', image_url: { url } }], 'p')
  t.match(image('data:image/JPG;charset=x;base64,AAAA')(), [
    { source: { media_type: 'image/jpeg' } },
  ])
  for (const url of [
    'https://a.test/x.png',
    'http://169.254.169.254/',
    'file:///a',
    'data:image/png,x',
    '',
  ]) {
    t.throws(image(url), { status: 400, message: /data: URL/ }, url)
  }
  t.same(blocksOf(null, 'p'), [])
  t.same(blocksOf('', 'p'), [])
  t.match(blocksOf([{ type: 'file', file: { file_data: 'JVBERi0=' } }], 'p'), [
    { type: 'document' },
  ])
  t.throws(() => blocksOf([{ type: 'video' }], 'messages.0.content'), {
    message: 'content of type video is not supported',
  })
})
