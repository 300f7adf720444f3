import { Readable } from 'node:stream'
import t from 'tap'
import { cloudBetas, createRequestReader } from '../../../../src/gateway/provider/request-json.ts'

const body = (...parts: string[]) => Readable.from(parts.map(part => Buffer.from(part)))

t.test('model and stream are taken out, everything else stays', async t => {
  const { request } = await createRequestReader().read(
    body('{"model":"m","stream":true,"messages":[', '{"role":"user"}],"__proto__":{"x":1}}'),
  )
  t.match(request, { model: 'm', stream: true, rest: { messages: [{ role: 'user' }] } })
  t.equal(JSON.stringify(request.rest), '{"messages":[{"role":"user"}],"__proto__":{"x":1}}')
})

t.test('a body that is not a request is refused in words', async t => {
  for (const [text, message] of [
    ['', /not a JSON object/],
    ['[]', /not a JSON object/],
    ['{"model":1}', /model is not a model name/],
    ['{"model":"a b"}', /model is not a model name/],
    ['{"model":"m","stream":"yes"}', /stream is not a boolean/],
  ] as const) {
    await t.rejects(createRequestReader().read(body(text)), { status: 400, message })
  }
})

t.test('one body and all bodies together are bounded, and released bytes are free', async t => {
  const reader = createRequestReader({ bodyBytes: 40, heldBytes: 60 })
  const text = '{"model":"m","x":"0123456789"}'
  await t.rejects(reader.read(body(text, text)), { message: /larger than/, status: 413 })
  const first = await reader.read(body(text))
  const second = await reader.read(body(text))
  await t.rejects(reader.read(body(text)), { message: /too many/, status: 529, retry: true })
  second.release()
  second.release()
  const third = await reader.read(body(text))
  await t.rejects(reader.read(body(text)), { message: /too many/ }, 'a release counts once')
  first.release()
  third.release()
})

t.test('only beta features that the clouds know pass, each once', async t => {
  const headers = [
    ...['anthropic-beta', 'oauth-2025-04-20, claude-code-20250219,context-1m-2025-08-07'],
    ...['Anthropic-Beta', 'context-1m-2025-08-07,prompt-caching-scope-2026-01-05'],
    ...['x-other', 'effort-2025-11-24'],
  ]
  t.same(cloudBetas(headers), ['claude-code-20250219', 'context-1m-2025-08-07'])
  t.same(cloudBetas(['anthropic-beta', 'context-1m-2025-08-07\r\nx: y']), [])
  t.same(cloudBetas([]), [])
})
