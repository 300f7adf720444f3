import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { eventsOf, parts, startRunner } from './fixture.ts'

t.test('one run in a workspace, and so many in all', async t => {
  const runner = await startRunner(t, { runs: 2 })
  const first = await runner.begin('silent')
  t.match(parts(await runner.run('x')).refused, {
    reason: 'busy',
    message: `workspace busy: run ${first.runId} is under way`,
  })
  const a = { workspace: join(runner.root, 'workspaces/a') }
  const b = { workspace: join(runner.root, 'workspaces/b') }
  const second = await runner.begin('silent', {}, a)
  t.match(parts(await runner.run('x', {}, b)).refused, { reason: 'capacity' })
  t.match(runner.runner.status().runs, [{ runId: first.runId }, { runId: second.runId }])
  await runner.runner.cancel(first.runId)
  t.equal(parts(await runner.run('again')).result?.result, 'again', 'free when it has ended')
  t.equal(await runner.runner.cancel(first.runId), false, 'an ended run cancels nothing')
  t.equal(runner.runner.status().runs.length, 1)
})

t.test('a request that is not one is refused with what is wrong', async t => {
  const runner = await startRunner(t)
  const good = {
    version: 1,
    runId: '0123456789abcdef',
    workspace: join(runner.root, 'workspace'),
    request: { prompt: 'x' },
  }
  const cases: [unknown, RegExp][] = [
    ['{', /invalid/i],
    [{ ...good, version: 2 }, /version/],
    [{ ...good, more: 1 }, /more/],
    [{ ...good, runId: '../../etc' }, /runId/],
    [{ ...good, request: { prompt: '' } }, /prompt/],
    [{ ...good, request: { prompt: 'x', model: '--help' } }, /model/],
    [{ ...good, request: { prompt: 'x', tools: ['--x'] } }, /tools/],
    [{ ...good, request: { prompt: 'x', session: { kind: 'resume', id: '-p' } } }, /session/],
  ]
  for (const [body, words] of cases) {
    const answer = await runner.open('POST', '/run', body)
    const { refused } = parts(eventsOf(await text(answer)))
    t.equal(refused?.reason, 'request')
    t.match(refused?.message, words)
  }
  const elsewhere = { workspace: '/etc' }
  t.match(parts(await runner.run('x', {}, elsewhere)).refused, { reason: 'workspace' })
  const id = '00000000-0000-4000-8000-000000000000'
  t.match(parts(await runner.run('x', { session: { kind: 'resume', id } })).refused, {
    reason: 'no-session',
  })
})

t.test('no client gets in without the token', async t => {
  const runner = await startRunner(t)
  const run = await runner.begin('silent')
  await once(run.answer, 'data')
  for (const [method, path, body] of [
    ['GET', '/status', undefined],
    ['POST', '/cancel', { runId: run.runId }],
    ['POST', '/run', { version: 1 }],
    ['POST', '/warm', {}],
    ['GET', '/', undefined],
  ] as const) {
    t.match(await runner.ask(method, path, body, 'another'), { status: 401 })
  }
  t.equal(runner.runner.status().runs.length, 1)
  t.match(await runner.ask('GET', '/'), { status: 404 })
  t.match(await runner.ask('POST', '/cancel', { runId: 'x' }), { status: 400 })
  t.match(await runner.ask('POST', '/cancel', { runId: '0000000000000000' }), { status: 404 })
  t.match(await runner.ask('POST', '/warm', { workspace: '/etc' }), { status: 400 })
  t.match(await runner.ask('GET', '/status'), {
    status: 200,
    body: { runs: [{ runId: run.runId }], warm: [], landlock: false },
  })
})
