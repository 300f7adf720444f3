import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { until } from '../../support/stack/process.ts'
import { eventsOf, parts, startRunner } from './fixture.ts'

t.test('a run that hears no signal is ended all the same', async t => {
  const runner = await startRunner(t)
  const run = await runner.begin('stubborn')
  let lines = ''
  run.answer.setEncoding('utf8').on('data', more => {
    lines += more
  })
  const over = once(run.answer, 'end')
  await until('its word', async () => lines.includes('stubborn'))
  t.match(await runner.ask('POST', '/cancel', { runId: run.runId }), { status: 200 })
  await over
  const { ended } = parts(eventsOf(lines))
  t.match(ended, { outcome: 'cancelled', signal: 'SIGKILL' })
  t.strictSame(runner.runner.status().runs, [])
})

t.test('a cancel that comes as soon as the run is known is heard', async t => {
  const runner = await startRunner(t)
  // The head of the answer is the word that it can be cancelled; nothing else of it is there yet.
  const run = await runner.begin('silent')
  t.equal(run.answer.headers['x-run-id'], run.runId)
  const lines = text(run.answer)
  t.match(await runner.ask('POST', '/cancel', { runId: run.runId }), { status: 200 })
  t.match(parts(eventsOf(await lines)).ended, { outcome: 'cancelled' })
  const runId = '0123456789abcdef'
  let cancelled: Promise<boolean> | undefined
  const events: string[] = []
  await runner.runner.run(
    {
      version: 1,
      runId,
      workspace: join(runner.root, 'workspace'),
      request: { prompt: 'silent', session: { kind: 'fresh' }, timeoutSeconds: 60 },
      asks: false,
      questionSeconds: 60,
    },
    {
      gone: new AbortController().signal,
      stopWaiting: () => {},
      admitted: () => {
        cancelled = runner.runner.cancel(runId)
      },
      emit: async line => {
        events.push(line)
      },
    },
  )
  t.equal(await cancelled, true, 'in the very moment')
  t.match(events.at(-1), '"outcome":"cancelled"')
})

t.test('a run that says nothing is ended at its time', async t => {
  const runner = await startRunner(t)
  t.match(parts(await runner.run('silent', { timeoutSeconds: 1 })).ended, { outcome: 'timed-out' })
})

t.test('a client that goes takes its run along', async t => {
  const runner = await startRunner(t)
  const run = await runner.begin('silent')
  await once(run.answer, 'data')
  t.equal(runner.runner.status().runs.length, 1)
  run.answer.destroy()
  await until('the end of the run', async () => runner.runner.status().runs.length === 0)
})

t.test('a reader that is slow makes claude wait, and gets everything', async t => {
  const runner = await startRunner(t)
  const before = process.memoryUsage().arrayBuffers
  const run = await runner.begin('flood 3000')
  run.answer.pause()
  await new Promise(resolve => setTimeout(resolve, 1_000))
  t.ok(process.memoryUsage().arrayBuffers - before < 16_000_000, '30 MB are not kept here')
  t.equal(runner.runner.status().runs.length, 1)
  const { messages, ended } = parts(await run.events())
  t.equal(messages.filter(({ type }) => type === 'assistant').length, 3000)
  t.equal(ended?.outcome, 'completed')
})

t.test('a reader that stands still is cut off at the run’s time', async t => {
  const runner = await startRunner(t)
  const run = await runner.begin('flood 3000', { timeoutSeconds: 1 })
  run.answer.pause()
  await until('the end of the run', async () => runner.runner.status().runs.length === 0)
  const { ended } = parts(await run.events())
  t.match(ended, { outcome: 'timed-out' }, 'and is told, when it reads on')
})

t.test('a runner that stops ends its runs, and takes no more', async t => {
  const runner = await startRunner(t)
  const run = await runner.begin('silent')
  const lines = text(run.answer)
  await once(run.answer, 'data')
  await runner.runner.close()
  t.match(parts(eventsOf(await lines)).ended, { outcome: 'cancelled' })
  t.match(parts(await runner.run('x')).refused, { reason: 'stopping' })
})
