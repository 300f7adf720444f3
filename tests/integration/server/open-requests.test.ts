import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { storedToken, token } from './fixture.ts'
import { startRunning } from './running.ts'

const two = [storedToken('default', token), storedToken('other', 'cs_other')]
/** Returns all of an answer, or `still open` if it does not end. */
async function untilEnd(stream: IncomingMessage): Promise<string> {
  const end = await Promise.race([
    text(stream).catch(() => 'broken off'),
    sleep(120_000, 'still open', { ref: false }),
  ])
  stream.destroy()
  return end
}

const soon = { every: 20, timeout: 120_000 }

t.test('an event stream of a revoked token says so and ends, and the run goes on', async t => {
  const limits = { revokedMilliseconds: 20 }
  const { run, open, ask, files } = await startRunning(t, { tokens: two, limits })
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  const path = `/run/events?runId=${body.runId}`
  const [revoked, kept] = [await open(path), await open(path, { bearer: 'cs_other' })]
  files.write({ tokens: two.slice(1) })
  t.match(
    await untilEnd(revoked),
    /event: started[\s\S]*\n\nevent: unauthorized\ndata: {"detail":"the token was revoked"}\n\n$/,
  )
  t.equal((await open(path)).statusCode, 401)
  const result = await ask(`/run/result?runId=${body.runId}`, { bearer: 'cs_other' })
  t.match(result, { status: 200, body: { status: 'running' } })
  await ask(`/run/cancel?runId=${body.runId}`, { method: 'POST', bearer: 'cs_other' })
  const rest = await untilEnd(kept)
  t.match(rest, /event: ended/, 'the stream of another token goes on to the end')
  t.notMatch(rest, 'unauthorized')
})

t.test('a stream ends also when its token was added again under its name', async t => {
  const { run, open, files } = await startRunning(t, { limits: { revokedMilliseconds: 20 } })
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  const stream = await open(`/run/events?runId=${body.runId}`)
  files.write({ tokens: [storedToken('default', 'cs_another')] })
  t.match(await untilEnd(stream), /event: unauthorized/)
})

t.test('a revoked token loses the connection on which it waits for a run', async t => {
  const limits = { revokedMilliseconds: 20 }
  const { run, ask, files, starter } = await startRunning(t, { tokens: two, limits })
  const waiting = run({ prompt: 'silent', workspace: 'a' }).catch(() => 'closed')
  t.ok(await until(() => starter.count() === 1, soon))
  files.write({ tokens: two.slice(1) })
  t.equal(await Promise.race([waiting, sleep(120_000, 'still open', { ref: false })]), 'closed')
  const isFree = async () => {
    const { body } = await ask('/status', { bearer: 'cs_other' })
    return body.busyWorkspaces.length === 0
  }
  t.ok(await until(isFree, soon), 'as for any client that leaves, the run was cancelled')
})

t.test('a token has a number of open requests, and one that ends makes room', async t => {
  const limits = { openRequests: 4 }
  const { run, open, ask } = await startRunning(t, { tokens: two, limits })
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  const path = `/run/events?runId=${body.runId}`
  const streams = [await open(path), await open(path)]
  const refused = await ask('/status')
  t.match(refused, { status: 429, headers: { 'retry-after': '5' } })
  t.match(refused.body, { detail: 'too many requests at once: close others, or retry later' })
  t.equal((await ask('/status', { bearer: 'cs_other' })).status, 200)
  t.equal((await ask('/health', { bearer: null })).status, 200)
  streams[0]?.destroy()
  t.ok(await until(async () => (await ask('/status')).status === 200, soon))
})

t.test('the tokens of one tenant together leave open requests for another', async t => {
  const tokens = [
    ...[...two, storedToken('third', 'cs_third')],
    storedToken('foreign', 'cs_foreign', { tenant: 'other' }),
  ]
  const { run, open, ask } = await startRunning(t, {
    ...{ tokens, limits: { openRequests: 8 } },
    tenants: [{ name: 'main' }, { name: 'other' }],
  })
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  const path = `/run/events?runId=${body.runId}`
  const statuses: (number | undefined)[] = []
  for (const bearer of [token, 'cs_other', 'cs_third']) {
    for (let count = 0; count < 3; count++) {
      const stream = await open(path, { bearer })
      statuses.push(stream.statusCode)
      if (stream.statusCode !== 200) stream.resume()
    }
  }
  t.same(statuses, [200, 200, 200, 200, 200, 200, 429, 429, 429])
  t.equal((await ask('/status', { bearer: 'cs_foreign' })).status, 200)
})
