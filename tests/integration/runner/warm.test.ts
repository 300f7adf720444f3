import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createDeferred } from '../../../src/base/async.ts'
import { createGatewayMoves } from '../../../src/runner/pool/gateway-moves.ts'
import { until } from '../../support/stack/process.ts'
import { parts, startRunner } from './fixture.ts'

const warmOnes = (runner: Awaited<ReturnType<typeof startRunner>>) =>
  runner.runner.status().warm.length

t.test('a process lives on for the next prompt of its session, and costs count once', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const first = parts(await runner.run('one'))
  const second = parts(await runner.run('two'))
  t.match(second.started, { warm: true, sessionId: first.started?.sessionId })
  t.equal(second.started?.meter, first.started?.meter)
  t.equal(second.result?.total_cost_usd, 0.1)
  t.strictSame(second.result?.modelUsage, { m: { inputTokens: 10, contextWindow: 1000 } })
  t.equal(second.ended?.exitCode, null)
  const resumed = { session: { kind: 'resume', id: first.started?.sessionId } }
  t.match(parts(await runner.run('three', resumed)).started, { warm: true })
})

t.test('a process that started before the gateway moved serves no more prompts', async t => {
  let address = '10.0.0.2'
  const hasGatewayMoved = createGatewayMoves('http://gateway:8787', async () => address)
  const runner = await startRunner(t, { warm: 4, hasGatewayMoved })
  await runner.run('one')
  t.match(parts(await runner.run('two')).started, { warm: true })
  address = '10.0.0.3'
  t.match(parts(await runner.run('three')).started, { warm: false })
  t.match(parts(await runner.run('four')).started, { warm: true })
})

t.test('a gateway that the resolver does not know for a moment has not moved', async t => {
  const answers = [async () => '10.0.0.2', () => Promise.reject(new Error('ENOTFOUND'))]
  const hasMoved = createGatewayMoves('http://gateway:8787', () => (answers.shift() ?? answer)())
  const answer = async () => '10.0.0.2'
  for (const _ of [1, 2, 3]) t.equal(await hasMoved(), false)
  t.equal(await createGatewayMoves('https://api.anthropic.com')(), false, 'not in the stack')
})

t.test('a gateway whose new address comes too late has moved at the next call', async t => {
  const { promise: late, resolve: answerLate } = createDeferred<string>()
  const answers = [Promise.resolve('10.0.0.2'), late, Promise.resolve('10.0.0.3')]
  const answer = () => answers.shift() ?? Promise.resolve('10.0.0.3')
  const hasMoved = createGatewayMoves('http://gateway:8787', answer, 20)
  t.equal(await hasMoved(), false)
  t.equal(await hasMoved(), false, 'no answer in time')
  answerLate('10.0.0.3')
  await late
  t.equal(await hasMoved(), true)
  t.equal(await hasMoved(), false)
})

t.test('an option that is fixed for a process needs another process', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const { started } = parts(await runner.run('one', { model: 'haiku' }))
  for (const more of [{}, { systemPrompt: 'x' }, { tools: [] }, { jsonSchema: {} }]) {
    const next = parts(await runner.run('next', { session: { kind: 'fresh' }, ...more }))
    t.not(next.started?.sessionId, started?.sessionId)
  }
  await runner.run('limited', { maxTurns: 3, session: { kind: 'fresh' } })
  const { warm } = runner.runner.status()
  t.ok(warm.length <= 2, 'one that is kept, one that is fresh')
})

t.test('files that claude reads when it starts make it out of date', async t => {
  const runner = await startRunner(t, { warm: 4 })
  await runner.run('one', { session: { kind: 'fresh' } })
  await until('a fresh one', async () => warmOnes(runner) === 2)
  mkdirSync(join(runner.root, 'workspace/.claude'))
  writeFileSync(join(runner.root, 'workspace/.claude/settings.json'), '{}')
  const { started } = parts(await runner.run('two', { session: { kind: 'fresh' } }))
  t.equal(started?.warm, false)
})

t.test('a fresh one takes model and texts when they are known', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const workspace = join(runner.root, 'workspace')
  t.match(await runner.ask('POST', '/warm', { workspace }), { body: { warm: true } })
  t.match(await runner.ask('POST', '/warm', { workspace }), { body: { warm: true } })
  t.equal(warmOnes(runner), 1, 'asked twice, started once')
  const { started, result } = parts(
    await runner.run('x', { model: 'sonnet', effort: 'low', appendSystemPrompt: 'A' }),
  )
  t.equal(started?.warm, true)
  t.match(result?.initialized, { appendSystemPrompt: 'A' })
  t.match(await runner.ask('POST', '/warm', { workspace }), { body: { warm: true } })
  const other = parts(await runner.run('x', { model: 'my-own-model', session: { kind: 'fresh' } }))
  t.equal(other.started?.warm, false, 'claude asks the API about a model it does not know')
})

t.test('workspaces share nothing, and the oldest makes room', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const at = (name: string) => ({ workspace: join(runner.root, name) })
  const sessions = new Set<string | undefined>()
  for (const name of ['workspace', 'workspaces/a', 'workspaces/b']) {
    const { started } = parts(await runner.run('x', {}, at(name)))
    t.equal(started?.warm, false)
    sessions.add(started?.sessionId)
  }
  t.equal(sessions.size, 3)
  t.strictSame(
    runner.runner.status().warm.map(({ workspace }) => workspace),
    [join(runner.root, 'workspaces/a'), join(runner.root, 'workspaces/b')],
  )
})

t.test('one that speaks unasked, or waits for too long, is ended', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const word = join(runner.root, 'word')
  await runner.run(`unasked ${word}`)
  t.equal(warmOnes(runner), 1)
  writeFileSync(word, '')
  await until('its end', async () => warmOnes(runner) === 0)
  const idle = await startRunner(t, { warm: 4, idleMilliseconds: 3_000 })
  await idle.run('x')
  t.equal(warmOnes(idle), 1)
  await until('its end', async () => warmOnes(idle) === 0)
})

t.test('none waits where it is switched off, or memory is short', async t => {
  for (const options of [{ warm: 0 }, { warm: 4, free: 500 * 1024 * 1024 }]) {
    const runner = await startRunner(t, options)
    const { ended } = parts(await runner.run('x', { session: { kind: 'fresh' } }))
    t.equal(ended?.exitCode, 0)
    t.equal(warmOnes(runner), 0)
    const workspace = join(runner.root, 'workspace')
    t.match(await runner.ask('POST', '/warm', { workspace }), { body: { warm: false } })
  }
})

t.test('a stop ends them too', async t => {
  const runner = await startRunner(t, { warm: 4 })
  await runner.run('x')
  await runner.runner.close()
  t.equal(warmOnes(runner), 0)
})

t.test('a process that waits is ended when a stray process lives below it', async t => {
  const runner = await startRunner(t, { warm: 4, firstLook: 50 })
  const word = join(runner.root, 'word')
  await runner.run(`late-stray ${word}`)
  t.equal(warmOnes(runner), 1, 'nothing was there at the end of the run')
  writeFileSync(word, '')
  await until('its end', async () => warmOnes(runner) === 0)
})

t.test('a session whose transcript is lost is not continued in another process', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const first = parts(await runner.run('one'))
  const id = first.started?.sessionId
  const lost = parts(await runner.run('two', { systemPrompt: 'x' }))
  t.not(lost.started?.sessionId, id)
  const kept = lost.started?.sessionId
  const transcripts = join(String(first.result?.home), '.claude/projects/-w')
  mkdirSync(transcripts, { recursive: true })
  writeFileSync(join(transcripts, `${kept}.jsonl`), '{}\n')
  const { started } = parts(await runner.run('three', { systemPrompt: 'y' }))
  t.equal(started?.sessionId, kept)
})

t.test('a process takes the expected opening of its run ahead, and serves no other', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const next = async (more: object) => {
    const { started, result } = parts(
      await runner.run('x', { session: { kind: 'fresh' }, ...more }),
    )
    await until('a process that waits for a session', async () => warmOnes(runner) === 2)
    t.equal(result?.openings, 1)
    return { warm: started?.warm, text: result?.initialized.systemPrompt }
  }
  t.strictSame(await next({ systemPrompt: 'A' }), { warm: false, text: 'A' })
  t.strictSame(await next({ systemPrompt: 'A' }), { warm: true, text: 'A' })
  t.strictSame(await next({ systemPrompt: 'A', model: 'sonnet' }), { warm: true, text: 'A' })
  t.strictSame(await next({ systemPrompt: 'B' }), { warm: false, text: 'B' }, 'it has other texts')
  let text = 0
  await until('a process that takes any texts, after two runs that differ', async () => {
    const systemPrompt = String(text++)
    const { warm, text: given } = await next({ systemPrompt })
    t.equal(given, systemPrompt)
    return warm
  })
})

t.test('a process for the tools of a client takes no opening ahead', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const clientTools = [{ name: 'look', description: '', inputSchema: {} }]
  for (const _ of [1, 2]) {
    await runner.run('x', { session: { kind: 'fresh' }, clientTools })
    await until('a process that waits for a session', async () => warmOnes(runner) === 2)
  }
  const { started, result } = parts(await runner.run('x', { session: { kind: 'fresh' } }))
  t.equal(started?.warm, true)
  t.notOk('sdkMcpServers' in (result?.initialized ?? {}))
})
