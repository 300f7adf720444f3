import t from 'tap'
import type { RunEnding } from '../../../src/run/collect.ts'
import { RunResult } from '../../../src/run/result.ts'
import type { ClaudeMessage } from '../../../src/run/runner-protocol.ts'
import { shown } from '../../support/run/shown-failure.ts'
import { resultOf, transcript } from '../../support/run/transcript.ts'

t.test("a successful run has Claude Code's own result, and its cost", async t => {
  const result = resultOf('text')
  t.same(result.claude, transcript('text').at(-1))
  t.equal(result.status, 'succeeded')
  t.equal(result.error, null)
  t.equal(result.sessionId, 'a-session')
  t.equal(result.meter, 'a-meter')
  t.equal(result.costUsd, result.claude?.total_cost_usd)
  t.match(result.system, { model: /^claude-/, cwd: '/workspace' })
  t.ok(result.system?.tools.includes('Bash'))
  t.same(RunResult.parse(JSON.parse(JSON.stringify(result))), result, 'it can be stored')
})

t.test('costs are those of this run alone', async t => {
  const result = resultOf('two-turns')
  const total = transcript('two-turns').at(-1)?.total_cost_usd
  t.ok(Math.abs((result.costUsd ?? 0) - Number(total)) < 1e-9, 'of both its results')
  const { createCollector } = await import('../../../src/run/collect.ts')
  const collector = createCollector({ runId: '', workspace: '', startedAt: '', timeoutSeconds: 1 })
  collector.add(transcript('two-turns').at(-1) ?? { type: '' })
  const { costUsd } = collector.result({ kind: 'lost', reason: '' }, '')
  t.ok((costUsd ?? 1) < Number(total) / 1.5, 'not of what the session had cost before')
})

t.test('turns are the texts, tool uses and tool results, in order', async t => {
  const { turns } = resultOf('tools')
  t.same(
    turns.map(({ role, content }) => [role, content.map(({ type }) => type)]),
    [
      ...Array.from({ length: 3 }, () => [
        ['assistant', ['tool_use']],
        ['tool_result', ['tool_result']],
      ]).flat(),
      ['assistant', ['text']],
    ],
  )
  const [use, first, , long, , failed, last] = turns
  t.match(use?.content[0], { name: 'Bash', input: { command: 'echo hi' } })
  t.match(first?.content[0], { isError: false, content: 'hi' })
  t.notOk('truncated' in (first?.content[0] ?? {}))
  t.match(long?.content[0], {
    truncated: true,
    totalLength: Array.from({ length: 2000 }, (_, i) => String(i + 1)).join('\n').length,
    sha256: /^[0-9a-f]{64}$/,
  })
  t.match(long?.content, [{ type: 'tool_result', content: /^[\s\S]{2000}$/ }])
  t.match(failed?.content[0], { isError: true, content: /Exit code 3/ })
  t.same(last?.content, [{ type: 'text', text: 'ready' }])
})

t.test('an API error is a failure, although its subtype is success', async t => {
  for (const [name, status, message, hint] of [
    ['error-400', 400, /answered 400/, /--model/],
    ['error-401', 401, /answered 401.*authenticate/, /ANTHROPIC_API_KEY.*\.env/],
    ['error-403', 403, /answered 403/, /\.env/],
    ['error-404', 404, /answered 404.*model/, /--model opus/],
    ['error-429', 429, /answered 429/, /wait/],
    ['error-500', 500, /answered 500/, /later/],
    ['error-529', 529, /answered 529.*[Oo]verloaded/, /later/],
    ['unreachable', null, /cannot be reached.*ECONNREFUSED/, /doctor/],
    ['max-turns', null, /maximum number of turns \(1\)/, /--max-turns/],
    ['max-budget', null, /maximum budget/, /--max-budget-usd/],
  ] as const) {
    const { status: verdict, error, claude } = resultOf(name)
    t.equal(verdict, 'failed', name)
    t.match(shown(error), { message, hint, apiErrorStatus: status }, name)
    t.ok(claude, 'the result object is kept')
  }
})

t.test('a request that succeeded after a retry is a success', async t => {
  t.equal(resultOf('retried-529').status, 'succeeded')
  t.equal(resultOf('dropped').status, 'succeeded')
})

t.test('each ending has its status and its failure code', async t => {
  const ended = (outcome: 'cancelled' | 'timed-out' | 'failed', error?: string): RunEnding => ({
    kind: 'ended',
    outcome,
    exitCode: null,
    signal: 'SIGKILL',
    swept: 0,
    ...(error && { error }),
  })
  for (const [ending, status, message] of [
    [ended('cancelled'), 'cancelled', /was cancelled/],
    [ended('timed-out'), 'timed-out', /within 600 s/],
    [ended('failed'), 'failed', /ended by SIGKILL/],
    [ended('failed', 'out of memory'), 'failed', /out of memory/],
    [{ kind: 'lost', reason: 'ECONNRESET' }, 'failed', /connection.*lost.*ECONNRESET/],
    [{ kind: 'given-up', after: 610 }, 'timed-out', /610 s/],
    [{ kind: 'unconfirmed' }, 'failed', /did not confirm/],
    [{ kind: 'interrupted' }, 'interrupted', /interrupted/],
  ] as const) {
    const result = resultOf('text', ending)
    t.equal(result.status, status)
    t.match(shown(result.error), { message, hint: /\w/ })
  }
})

t.test('a run that ended during a retry of the API reports the retry', async t => {
  const messages = transcript('error-529').slice(0, 4)
  const { createCollector } = await import('../../../src/run/collect.ts')
  const collect = (ending: RunEnding) => {
    const collector = createCollector({
      runId: '0123456789abcdef',
      workspace: '/workspace',
      startedAt: '',
      timeoutSeconds: 5,
    })
    for (const message of messages) collector.add(message)
    return collector.result(ending, '')
  }
  const rest = { kind: 'ended', exitCode: null, signal: null, swept: 0 } as const
  t.match(shown(collect({ ...rest, outcome: 'timed-out' }).error), {
    message: /within 5 s.*\(529\)/,
  })
  const error = 'the model API answers 529: overloaded, after 6 attempts'
  t.match(shown(collect({ ...rest, outcome: 'failed', error }).error), {
    message: error,
    apiErrorStatus: 529,
    hint: /later/,
  })
})

t.test('a run without any answer of the model reports that', async t => {
  const { createCollector } = await import('../../../src/run/collect.ts')
  const rest = { kind: 'ended', exitCode: null, signal: null, swept: 0 } as const
  const timedOut = (messages: readonly ClaudeMessage[]) => {
    const collector = createCollector({
      runId: '',
      workspace: '',
      startedAt: '',
      timeoutSeconds: 5,
    })
    for (const message of messages) collector.add(message)
    return shown(collector.result({ ...rest, outcome: 'timed-out' }, '').error)
  }
  const messages = transcript('text')
  const begun = messages.slice(
    0,
    messages.findIndex(({ type }) => type === 'stream_event'),
  )
  t.ok(begun.some(({ subtype }) => subtype === 'init'))
  t.match(timedOut(begun), {
    message: /within 5 s, and the model API sent no answer/,
    hint: /--timeout.*doctor/,
  })
  for (const other of [[], messages.slice(0, begun.length + 1)]) {
    t.match(timedOut(other), { message: /within 5 s$/, hint: /--timeout$/ })
  }
})

t.test('messages of other shapes change nothing', async t => {
  const { createCollector } = await import('../../../src/run/collect.ts')
  const collector = createCollector({
    runId: '0123456789abcdef',
    workspace: '/workspace',
    startedAt: '',
    timeoutSeconds: 5,
  })
  for (const message of [
    { type: 'assistant' },
    { type: 'assistant', message: { content: 'text' } },
    { type: 'user', message: { content: [{ type: 'tool_result' }, 7, null] } },
    { type: 'system', subtype: 'init', session_id: 7 },
    { type: 'future' },
  ]) {
    collector.add(message)
  }
  t.match(collector.result({ kind: 'lost', reason: 'x' }, ''), { turns: [], system: null })
})

t.test('runs that share the memory for turns keep no more than it has, without a gap', async t => {
  const { createCollector } = await import('../../../src/run/collect.ts')
  const run = { runId: '', workspace: '', startedAt: '', timeoutSeconds: 5 }
  let left = 1_000
  const room = {
    take(characters: number) {
      if (characters > left) return false
      left -= characters
      return true
    },
    give(characters: number) {
      left += characters
    },
  }
  const say = (characters: number) => {
    const content = [{ type: 'text', text: 'x'.repeat(characters) }]
    return { type: 'assistant', message: { content } }
  }
  const texts = (collector: ReturnType<typeof createCollector>) =>
    collector
      .result({ kind: 'lost', reason: '' }, '')
      .turns.flatMap(({ content }) => content.map(block => 'text' in block && block.text.length))
  const [first, second] = [createCollector(run, room), createCollector(run, room)]
  first.add(say(500))
  second.add(say(20))
  second.add(say(300))
  second.add(say(1))
  t.same(texts(first), [500])
  t.same(texts(second), [20], 'also the short turn after the one without room is left out')
  t.same([first.isCut(), second.isCut()], [false, true])
  first.release()
  second.release()
  t.equal(left, 1_000)
  const many = createCollector(run, room)
  const content = Array.from({ length: 100 }, () => ({ type: 'text', text: '' }))
  many.add({ type: 'assistant', message: { content } })
  t.ok(many.isCut(), 'empty blocks count, too')
  t.equal(left, 1_000)
})
