import t, { type Test } from 'tap'
import { noTokens, type Tokens } from '../../../src/usage/entry.ts'
import { costUsd, maximumUsd, pricedName } from '../../../src/usage/prices.ts'

const usual = { fast: false, unitedStates: false }
const million = 1_000_000
const cost = (model: string, tokens: Partial<Tokens>, terms = {}) =>
  costUsd(model, { ...noTokens, ...tokens }, { ...usual, ...terms })
const near = (t: Test, found: number | null, wanted: number, what?: string) =>
  t.ok(found !== null && Math.abs(found - wanted) < 1e-9, `${what ?? ''} ${found} is ${wanted}`)

t.test('each kind of token has its price', async t => {
  near(t, cost('claude-sonnet-5', { input: million }), 2, 'input')
  near(t, cost('claude-sonnet-5', { output: million }), 10, 'output')
  near(t, cost('claude-sonnet-5', { cacheWrite5m: million }), 2.5, '5 minutes')
  near(t, cost('claude-sonnet-5', { cacheWrite1h: million }), 4, 'an hour')
  near(t, cost('claude-sonnet-5', { cacheRead: million }), 0.2, 'read')
  near(t, cost('claude-sonnet-5-5', { cacheRead: million }), 0.1, 'read')
  near(t, cost('claude-sonnet-5', { webSearches: 3 }), 0.03, 'searches')
  t.equal(cost('claude-sonnet-5', {}), 0)
})

t.test('equals the cost that Claude Code reported for a request', async t => {
  near(t, cost('claude-haiku-5-5', { input: 11_298, output: 61 }), 0.0011603)
})

t.test('a long prompt has another price, from the first token on', async t => {
  near(t, cost('claude-haiku-5-5', { input: 100_000 }), 0.01)
  near(t, cost('claude-haiku-5-5', { input: 1, cacheRead: 100_000 }), 0.5e-6 + 0.005)
})

t.test('so has a fast answer, and one that was made in the United States', async t => {
  near(t, cost('claude-opus-5', { output: million }, { fast: true }), 50)
  near(t, cost('claude-opus-4-7', { output: million }, { fast: true }), 150)
  near(t, cost('claude-sonnet-5', { output: million }, { fast: true }), 10, 'it has none')
  near(t, cost('claude-opus-5', { output: million }, { unitedStates: true }), 27.5)
})

t.test('a model goes by its name, with or without date and window', async t => {
  for (const name of ['claude-haiku-4-5', 'claude-haiku-4-5-20251001', 'Claude-Haiku-4-5[1m]']) {
    t.equal(pricedName(name), 'claude-haiku-4-5', name)
  }
  t.equal(pricedName('claude-sonnet-4-20250514'), 'claude-sonnet-4')
  t.equal(pricedName('claude-3-5-haiku-20241022'), 'claude-3-5-haiku')
  for (const name of [
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'anthropic.claude-sonnet-4-5',
    'claude-sonnet-4-5@20250929',
    'bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'anthropic/claude-sonnet-4-5',
  ]) {
    t.equal(pricedName(name), 'claude-sonnet-4-5', name)
  }
  t.equal(pricedName('us.anthropic.claude-opus-4-6-v1'), 'claude-opus-4-6')
})

t.test('a model that is not in the table has no price, however near its name is', async t => {
  for (const name of ['claude-opus-5-9', 'claude-opus-6', 'opus', '', 'constructor', '__proto__']) {
    t.equal(cost(name, { input: 1 }), null, name)
  }
})

t.test('an unknown price counts as the highest', async t => {
  near(t, maximumUsd({ ...noTokens, input: million, output: million }, usual), 90)
  near(t, maximumUsd({ ...noTokens, output: million }, { ...usual, fast: true }), 150)
})
