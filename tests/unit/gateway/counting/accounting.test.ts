import t from 'tap'
import { ApiError } from '../../../../src/gateway/api-error.ts'
import { createAccounting } from '../../../../src/gateway/counting/accounting.ts'
import type { Exchange } from '../../../../src/gateway/gateway-log.ts'
import { ByteMeter } from '../../../../src/gateway/http/limits.ts'
import type { UsageEntry } from '../../../../src/usage/entry.ts'

const who = { meter: 'interactive' }
const noTerms = { fast: false, unitedStates: false }

const stream = { 'content-type': 'text/event-stream' }
const event = (type: string, more = {}) => `data: ${JSON.stringify({ type, ...more })}\n\n`
const start = (model: string, usage = {}) =>
  event('message_start', { message: { model, usage: { input_tokens: 1_000_000, ...usage } } })
const delta = event('message_delta', { usage: { output_tokens: 1_000_000 } })
const stop = event('message_stop')

function account(usd: number | null = null, tokens: number | null = null) {
  const entries: UsageEntry[] = []
  const accounting = createAccounting({
    ledger: {
      add: entry => entries.push(entry),
      today: () => ({ usd: 0, tokens: 0 }),
      failure: () => null,
      flush: async () => {},
      close: async () => {},
    },
    budget: () => ({ tenant: null, usd, tokens }),
  })
  return { accounting, entries }
}

function one(options: {
  body?: string
  status?: number
  headers?: Record<string, string>
  exchange?: Exchange
}) {
  const { accounting, entries } = account()
  const begun = accounting.begin(who, options.exchange ?? {})
  const { status } = options
  if (status !== undefined) {
    const watch = begun.answered(status, options.headers ?? stream)
    watch?.(Buffer.from(options.body ?? ''))
  }
  begun.end()
  t.equal(entries.length, 1)
  return entries[0]
}

const sent = (bytes: number) => {
  const meter = new ByteMeter()
  meter.bytes = bytes
  return meter
}

t.test('an answer costs what its model costs', async t => {
  const entry = one({ status: 200, body: start('claude-opus-5') + delta + stop })
  t.match(entry, {
    model: 'claude-opus-5',
    meter: 'interactive',
    requests: 1,
    input: 1_000_000,
    output: 1_000_000,
    costUsd: 30,
    estimatedUsd: 30,
  })
  t.match(entry, { errors: 0, broken: 0, uncounted: 0, unpriced: 0 })
})

t.test('a model without a price has an unknown cost, and counts at the highest price', async t => {
  t.match(one({ status: 200, body: start('claude-next-9') + delta + stop }), {
    model: 'claude-next-9',
    unpriced: 1,
    costUsd: 0,
    estimatedUsd: 90,
    input: 1_000_000,
  })
})

t.test('the name of a model is a name, or unknown', async t => {
  t.match(one({ status: 200, body: start('\u001b[2J evil') + delta + stop }), { model: 'unknown' })
})

t.test("another model's part is priced by its own name", async t => {
  const usage = {
    iterations: [{ type: 'advisor_message', model: 'claude-haiku-5-5', output_tokens: 1_000_000 }],
  }
  t.match(one({ status: 200, body: start('claude-opus-5', usage) + stop }), {
    output: 1_000_000,
    costUsd: 5.5,
  })
})

t.test(
  'an answer that breaks off costs the reported usage, and budgets count the seen output',
  async t => {
    const text = event('content_block_delta', { delta: { text: 'x'.repeat(3_000_000) } })
    const entry = one({ status: 200, body: start('claude-opus-5') + text })
    t.match(entry, { broken: 1, uncounted: 0, costUsd: 5, output: 0 })
    t.ok((entry?.estimatedUsd ?? 0) > 29, `${entry?.estimatedUsd} with a million tokens of output`)
  },
)

t.test('an error costs nothing', async t => {
  t.match(one({ status: 529, exchange: { request: sent(1e6) } }), { errors: 1, estimatedUsd: 0 })
  t.match(
    one({ exchange: { request: sent(1e6) } }),
    { errors: 1, estimatedUsd: 0 },
    'never arrived',
  )
})

t.test('an unreadable answer is charged by its bytes at the highest price', async t => {
  const exchange = { request: sent(300), answer: sent(3_000_000) }
  const entry = one({ status: 200, headers: { 'content-type': 'text/html' }, exchange })
  t.match(entry, { uncounted: 1, costUsd: 0, input: 0 })
  t.ok((entry?.estimatedUsd ?? 0) >= 150)
})

t.test('a caller that leaves before the answer is charged for the request', async t => {
  const exchange: Exchange = {
    request: sent(3_000_000),
    model: 'claude-opus-5',
    broken: 'client-gone',
  }
  t.match(one({ exchange }), { uncounted: 1, broken: 1, estimatedUsd: 5, model: 'claude-opus-5' })
})

t.test('a request in flight counts towards the budget until it ends', async t => {
  const { accounting } = account(10)
  const begun = accounting.begin(who, {})
  accounting.admit()
  begun.answered(200, stream)?.(Buffer.from(start('claude-opus-5') + delta))
  t.throws(() => accounting.admit(), ApiError)
  begun.end()
  t.doesNotThrow(() => accounting.admit(), 'the ledger of this test has nothing')
})

const asked = {
  ...{ model: 'claude-opus-5', maxTokens: 1_000_000, terms: noTerms },
  fetchedTokens: 0,
}

t.test('a caller that leaves before the answer is charged for all it asked for', async t => {
  const exchange: Exchange = { request: sent(3_000_000), asked, broken: 'client-gone' }
  t.match(one({ exchange }), { uncounted: 1, broken: 1, estimatedUsd: 30, costUsd: 0 })
  const unnamed = { ...exchange, asked: { ...asked, model: null } }
  t.ok((one({ exchange: unnamed })?.estimatedUsd ?? 0) > 60, 'two models: the highest price')
  t.match(one({ exchange, status: 529 }), { errors: 1, estimatedUsd: 0 }, 'not after an error')
})

t.test('an answer that breaks off before its usage is charged for all that was asked', async t => {
  const exchange = () => ({ request: sent(3_000_000), asked })
  t.match(one({ status: 200, exchange: exchange() }), { uncounted: 1, estimatedUsd: 30 })
  const whole = { 'content-type': 'application/json' }
  t.match(one({ status: 200, headers: whole, body: '{"id":', exchange: exchange() }), {
    uncounted: 1,
    estimatedUsd: 30,
  })
  const entry = one({ status: 200, body: start('claude-opus-5') + delta, exchange: exchange() })
  t.match(entry, { estimatedUsd: 30, uncounted: 0 })
})

t.test(
  'what the origin fetches counts with the largest context until the end reports it',
  async t => {
    const small = { ...asked, maxTokens: 1, fetchedTokens: 1_000_000 }
    const exchange = (): Exchange => ({ request: sent(300), asked: small, broken: 'client-gone' })
    t.ok((one({ exchange: exchange() })?.estimatedUsd ?? 0) >= 5, 'before the answer')
    const begun = one({ status: 200, body: start('claude-opus-5'), exchange: exchange() })
    t.ok((begun?.estimatedUsd ?? 0) >= 5, 'after its beginning')
    const whole = one({
      ...{ status: 200, body: start('claude-opus-5') + delta + stop },
      exchange: { request: sent(300), asked: small },
    })
    t.equal(whole?.estimatedUsd, whole?.costUsd)
    const { accounting } = account(4)
    accounting.begin(who, {}).asked(small)
    t.throws(() => accounting.begin(who, {}).asked(asked), /requests in flight/)
  },
)

t.test('an answer that has ended costs what it reports, whatever was asked for', async t => {
  const small = event('message_delta', { usage: { output_tokens: 10 } })
  const entry = one({
    status: 200,
    body: start('claude-opus-5') + small + stop,
    exchange: { request: sent(300), asked },
  })
  t.equal(entry?.estimatedUsd, entry?.costUsd)
})

t.test(
  'requests in flight reserve all they asked for, and the next ones can try again',
  async t => {
    const { accounting } = account(10)
    const begun = accounting.begin(who, {})
    begun.asked(asked)
    const next = accounting.begin(who, {})
    const refused = /^claude-secure: the requests in flight may use up the budget/
    t.throws(() => next.asked(asked), refused)
    t.throws(() => accounting.admit(), refused)
    const watch = begun.answered(200, stream)
    watch?.(Buffer.from(start('claude-opus-5')))
    t.throws(() => accounting.admit(), refused, 'also once the answer has begun')
    watch?.(Buffer.from(stop))
    t.doesNotThrow(() => next.asked(asked), 'the reported usage takes the place of the reservation')
  },
)

t.test('what is admitted has no limit but the others’ use', async t => {
  const { accounting } = account(10)
  t.doesNotThrow(() => accounting.begin(who, {}).asked(asked))
})

t.test('budgets count all tokens, those of the cache too', async t => {
  const usage = { cache_creation_input_tokens: 20, cache_read_input_tokens: 300 }
  t.match(one({ status: 200, body: start('claude-opus-5', usage) + delta + stop }), {
    estimatedTokens: 2_000_320,
  })
  const text = event('content_block_delta', { delta: { text: 'x'.repeat(3_000_000) } })
  const cut = one({ status: 200, body: start('claude-opus-5') + text })
  t.ok((cut?.estimatedTokens ?? 0) > 1_900_000, 'the output that was seen before it broke off')
  t.match(one({ status: 529, exchange: { request: sent(1e6) } }), { estimatedTokens: 0 })
})

t.test('a token budget reserves what requests in flight ask for', async t => {
  const { accounting } = account(null, 2_000_000)
  const begun = accounting.begin(who, { request: sent(3_000_000) })
  begun.asked(asked)
  const next = accounting.begin(who, {})
  t.throws(() => next.asked(asked), /may use up the token budget.*0 of 2000000 are used|reserved/)
  const watch = begun.answered(200, stream)
  const small = event('message_delta', { usage: { output_tokens: 10 } })
  watch?.(Buffer.from(start('claude-opus-5') + small + stop))
  t.doesNotThrow(() => next.asked(asked), 'the reported usage takes the place of the reservation')
})

t.test(
  'a caller that leaves before the answer leaves all that it asked for in the tokens',
  async t => {
    const exchange: Exchange = { request: sent(3_000_000), asked, broken: 'client-gone' }
    t.match(one({ exchange }), { uncounted: 1, estimatedTokens: 2_000_000, input: 0, output: 0 })
  },
)
