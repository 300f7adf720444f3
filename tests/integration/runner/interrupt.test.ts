import { text } from 'node:stream/consumers'
import t from 'tap'
import { until } from '../../support/stack/process.ts'
import { eventsOf, isThere, parts, startRunner } from './fixture.ts'

type Runner = Awaited<ReturnType<typeof startRunner>>

/** Begins a run, waits for these words of it, and cancels it. */
async function cancelled(runner: Runner, prompt: string, words: string, more: object = {}) {
  const run = await runner.begin(prompt, more)
  let lines = ''
  const done = text(
    run.answer.on('data', chunk => {
      lines += chunk
    }),
  )
  await until('its words', async () => lines.includes(words))
  await runner.runner.cancel(run.runId)
  return parts(eventsOf(await done))
}

t.test('an interrupted process serves the next turn of its session', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const { ended, started, result } = await cancelled(runner, 'silent', '"init"')
  t.match(ended, { outcome: 'cancelled', exitCode: null, signal: null, swept: 0 })
  t.match(result, { terminal_reason: 'aborted_streaming' }, 'its costs are reported')
  const next = parts(await runner.run('next'))
  t.match(next.started, { warm: true, sessionId: started?.sessionId })
  t.equal(next.result?.total_cost_usd, 0.1, 'and are not charged twice')
})

t.test('a timeout and a client that leaves interrupt too', async t => {
  const runner = await startRunner(t, { warm: 4 })
  // The process that waits after it needs no time to start.
  await runner.run('first')
  const late = parts(await runner.run('silent', { timeoutSeconds: 1 }))
  t.match(late.ended, { outcome: 'timed-out', exitCode: null, signal: null })
  t.match(parts(await runner.run('next')).started, { warm: true })
  const run = await runner.begin('silent')
  let lines = ''
  run.answer.on('data', chunk => {
    lines += chunk
  })
  await until('its words', async () => lines.includes('"init"'))
  run.answer.destroy()
  await until('the end of the run', async () => runner.runner.status().runs.length === 0)
  t.match(parts(await runner.run('next')).started, { warm: true })
})

t.test('a process that cannot be proven clean is ended', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const impatient = await startRunner(t, { warm: 4, interruptMilliseconds: 500 })
  const deaf = await cancelled(impatient, 'deaf', '"deaf"')
  t.equal(deaf.ended?.outcome, 'cancelled')
  t.ok(deaf.ended?.exitCode !== null || deaf.ended?.signal !== null, 'it did not confirm')
  const leaver = await cancelled(runner, 'leaver', '"stray"')
  t.match(leaver.ended, { outcome: 'cancelled', swept: 1 }, 'a process of the run was left')
  t.notOk(isThere(Number(leaver.messages.find(message => message.stray)?.stray)))
  const background = await cancelled(runner, 'background', '"background"')
  t.not(background.ended?.exitCode ?? background.ended?.signal, null, 'a task was under way')
  const limited = await cancelled(runner, 'silent', '"init"', { maxTurns: 3 })
  t.not(limited.ended?.exitCode ?? limited.ended?.signal, null, 'its limits count over its life')
  t.strictSame(runner.runner.status().warm, [])
})
