import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openTenantRuns, type TenantRunsOptions } from '../../../src/tenants/runs/tenant-runs.ts'
import { noUsage } from '../../../src/usage/entry.ts'
import { until } from '../../support/stack/process.ts'
import { startWorkers } from './fixture.ts'

async function open(t: Test, settings: Omit<TenantRunsOptions, 'report'>) {
  const reported: Error[] = []
  const runs = await openTenantRuns({ ...settings, report: error => reported.push(error) })
  t.teardown(() => runs.close(2_000))
  return { runs, reported }
}

const { signal } = new AbortController()

t.test('each tenant has its own worker, its own runs, and its own leases', async t => {
  const { settings, runners, at } = await startWorkers(t, ['a', 'b'])
  const { runs, reported } = await open(t, settings)
  const first = runs.of('a').start({ prompt: 'hello' }, { workspace: at('a', 'p'), owner: 'ann' })
  t.match(await first.result, { status: 'succeeded', claude: { result: 'hello' } })
  t.match(await runs.of('a').find(first.id), { state: 'succeeded', owner: 'ann' })
  t.equal(await runs.of('b').find(first.id), null)
  await t.rejects(runs.of('b').cancel(first.id), { code: 'unknown-run' })
  t.same(await runs.of('b').list(), { runs: [], next: null })
  const held = runs.of('a').start({ prompt: 'silent' }, { workspace: at('a', 'p') })
  await until('the run to start', async () => runners.a.runner.status().runs.length === 1)
  t.same(runners.b.runner.status().runs, [])
  const second = runs.of('a').start({ prompt: 'x' }, { workspace: at('a', 'p') })
  await t.rejects(second.result, { code: 'busy', holder: held.id })
  const other = runs.of('b').start({ prompt: 'x' }, { workspace: at('b', 'p') })
  t.match(await other.result, { status: 'succeeded' })
  const waiting = runs.of('a').start({ prompt: 'y' }, { workspace: at('a', 'p'), wait: true })
  await runs.of('a').cancel(held.id)
  t.match(await held.result, { status: 'cancelled' })
  t.match(await waiting.result, { status: 'succeeded', claude: { result: 'y' } })
  t.match(await runs.worker('a').status(), { runs: [], landlock: true })
  t.throws(() => runs.of('../a'))
  t.same(reported, [])
})

t.test('a worker that leads to another one is refused there', async t => {
  const { settings, runners, at } = await startWorkers(t, ['a', 'b'])
  writeFileSync(join(settings.workerSecretsFolder, 'b'), 'the-token-of-b-and-not-of-a')
  const socket = join(settings.workersFolder, 'b/runner.sock')
  rmSync(socket)
  symlinkSync(runners.a.address.socketPath, socket)
  const { runs } = await open(t, settings)
  const { result } = runs.of('b').start({ prompt: 'x' }, { workspace: at('a', 'p') })
  await t.rejects(result, { code: 'unreachable', message: /refused the token/ })
  t.same((await runs.of('b').list()).runs, [], 'and nothing is kept of it')
})

t.test('without Landlock a tenant has its root workspace alone', async t => {
  const { settings, runners, at } = await startWorkers(t, ['a'], { landlock: false })
  const root = join(runners.a.root, 'workspaces')
  const { runs } = await open(t, { ...settings, root })
  const below = runs.of('a').start({ prompt: 'x' }, { workspace: at('a', 'p') })
  await t.rejects(below.result, { code: 'confinement', message: /no Landlock/ })
  const { result } = runs.of('a').start({ prompt: 'x' }, { workspace: root })
  t.match(await result, { status: 'succeeded' })
})

t.test('the same key is one run, also after a restart', async t => {
  const { settings, at } = await startWorkers(t, ['a'])
  const keyed = { workspace: at('a', 'p'), owner: 'ann', idempotencyKey: 'k' }
  const { runs } = await open(t, settings)
  const first = await runs.of('a').start({ prompt: 'once' }, keyed).result
  await runs.close()
  const { runs: again } = await open(t, settings)
  t.same(await again.of('a').start({ prompt: 'once' }, keyed).result, first)
  await t.rejects(again.of('a').start({ prompt: 'twice' }, keyed).result, { code: 'key-reused' })
  t.equal((await again.of('a').list()).runs.length, 1)
  t.ok((await again.spentToday('ann')).usd > 0)
  t.equal((await again.spentToday('ann')).tokens, 10)
  t.same(await again.spentToday('bob'), { usd: 0, tokens: 0 })
})

t.test('a token pays what the gateway counted of its runs, also without a result', async t => {
  const { settings, runners, at } = await startWorkers(t, ['a'])
  const { runs } = await open(t, settings)
  const counted = (meter: string) => {
    const entry = { meter, model: 'm', ...noUsage, estimatedUsd: 7, estimatedTokens: 700 }
    mkdirSync(join(settings.usageFolder, 'a'), { recursive: true })
    const day = new Date().toISOString().slice(0, 10)
    appendFileSync(join(settings.usageFolder, 'a', `${day}.0.ndjson`), `${JSON.stringify(entry)}\n`)
  }
  const reported = runs.of('a').start({ prompt: 'x' }, { workspace: at('a', 'p'), owner: 'ann' })
  t.match(await reported.result, { status: 'succeeded' })
  counted(reported.id)
  t.same(await runs.spentToday('ann'), { usd: 7, tokens: 700 })
  const silent = runs.of('a').start({ prompt: 'silent' }, { workspace: at('a', 'p'), owner: 'bob' })
  await until('the run to start', async () => runners.a.runner.status().runs.length === 1)
  counted(silent.id)
  t.same(await runs.spentToday('bob'), { usd: 7, tokens: 700 }, 'while it runs')
  await runs.of('a').cancel(silent.id)
  await silent.result
  t.same(await runs.spentToday('bob'), { usd: 7, tokens: 700 }, 'and after its end')
  await runs.close()
  const { runs: again } = await open(t, settings)
  t.same(await again.spentToday('bob'), { usd: 7, tokens: 700 }, 'and after a restart')
  t.same(await again.spentToday('ann'), { usd: 7, tokens: 700 })
})

t.test('events are followed, and resumed after the last one that was seen', async t => {
  const { settings, at } = await startWorkers(t, ['a'])
  const { runs } = await open(t, settings)
  const run = runs.of('a').start({ prompt: 'flood 20' }, { workspace: at('a', 'p') })
  await run.result
  const seqs = async (after?: number) => {
    const found: number[] = []
    const given = { ...(after !== undefined && { after }), signal }
    for await (const { seq } of runs.of('a').events(run.id, given)) found.push(seq)
    return found
  }
  const all = await seqs()
  t.ok(all.length > 20)
  t.same(await seqs(all[9]), all.slice(10))
})

t.test('a worker that dies fails its runs by name, and serves again after its restart', async t => {
  const { settings, runners, at } = await startWorkers(t, ['a'])
  const { runs } = await open(t, settings)
  const silent = runs.of('a').start({ prompt: 'silent' }, { workspace: at('a', 'p') })
  await until('the run to start', async () => runners.a.runner.status().runs.length === 1)
  await runners.a.stop()
  const lost = { status: 'failed', error: { code: 'connection-lost' } }
  t.match(await silent.result, lost)
  t.match(await runs.of('a').result(silent.id), lost)
  const refused = runs.of('a').start({ prompt: 'x' }, { workspace: at('a', 'p') })
  await t.rejects(refused.result, { code: 'unreachable' })
  const other = await startWorkers(t, ['a'])
  const socket = join(settings.workersFolder, 'a/runner.sock')
  rmSync(socket)
  symlinkSync(other.runners.a.address.socketPath, socket)
  writeFileSync(join(settings.workerSecretsFolder, 'a'), await other.runners.a.address.readToken())
  const again = runs.of('a').start({ prompt: 'again' }, { workspace: other.at('a', 'p') })
  t.match(await again.result, { status: 'succeeded' })
})

t.test('a close cancels what runs, and marks what does not end as interrupted', async t => {
  const { settings, runners, at } = await startWorkers(t, ['a'])
  const { runs } = await open(t, settings)
  const silent = runs.of('a').start({ prompt: 'silent' }, { workspace: at('a', 'p') })
  // It confirms a cancel much later than the server waits; the other one in a fraction of that.
  const stubborn = runs.of('a').start({ prompt: 'stubborn' }, { workspace: at('a', 'q') })
  await until('both', async () => runners.a.runner.status().runs.length === 2)
  await until('deafness', async () => {
    for await (const event of runs.of('a').log(stubborn.id)) {
      if (event.kind === 'claude' && event.message.type === 'assistant') return true
    }
    return false
  })
  const closed = runs.close(10_000)
  t.throws(() => runs.of('a').start({ prompt: 'x' }, { workspace: at('a', 'r') }), {
    code: 'stopping',
  })
  await closed
  t.match(await silent.result, { status: 'cancelled' })
  const { runs: again } = await open(t, settings)
  t.match(await again.of('a').find(silent.id), { state: 'cancelled' })
  t.match(await again.of('a').find(stubborn.id), { state: /interrupted|cancelled/ })
})

t.test('the schemas of callers are compiled by the program for them, and nowhere else', async t => {
  const { settings, at } = await startWorkers(t, ['a'])
  const request = { prompt: 'x', jsonSchema: { type: 'object' } }
  const { runs } = await open(t, settings)
  t.match(await runs.of('a').start(request, { workspace: at('a', 'p') }).result, {
    status: 'failed',
    error: { code: 'schema-mismatch', problem: null },
  })
  const wrong = { ...request, jsonSchema: { type: 'nonsense' } }
  const refused = runs.of('a').start(wrong, { workspace: at('a', 'p') })
  await t.rejects(refused.result, { code: 'schema', message: /schema is not valid/ })
  await runs.close()

  const without = { ...settings, schemaProgram: '/nonexistent/schema-worker.js' }
  const { runs: broken } = await open(t, without)
  const run = broken.of('a').start(request, { workspace: at('a', 'p') })
  await t.rejects(run.result, { message: /nonexistent/ })
})

t.test(
  'the turns of all runs in progress share a bound, of which a tenant has its part',
  async t => {
    const { settings, at } = await startWorkers(t, ['a', 'b'])
    const { runs } = await open(t, { ...settings, turnCharacters: 400_000 })
    const start = (name: 'a' | 'b', path: string, prompt: string) =>
      runs.of(name).start({ prompt }, { workspace: at(name, path) })
    const noted = async (run: ReturnType<typeof start>) => {
      let count = 0
      for await (const event of runs.of('a').log(run.id)) count += event.kind === 'notice' ? 1 : 0
      return count
    }
    const greedy = start('a', 'p', 'turns 100 10000 silent')
    await until('its turns', async () => {
      let count = 0
      for await (const { kind } of runs.of('a').log(greedy.id)) count += kind === 'claude' ? 1 : 0
      return count > 100
    })
    const other = start('b', 'p', 'turns 9 10000')
    t.equal((await other.result).turns.length, 9, 'the part of the other tenant is free')
    const later = start('a', 'q', 'turns 9 10000')
    t.match(await later.result, { status: 'succeeded', turns: [] })
    t.equal(await noted(later), 1, 'a notice says that turns are missing')
    greedy.cancel()
    const { turns } = await greedy.result
    t.ok(turns.length >= 25 && turns.length < 31, `${turns.length} of its 100 turns`)
    const last = start('a', 'q', 'turns 9 10000')
    t.equal((await last.result).turns.length, 9, 'a run that ended gives its memory back')
    t.equal(await noted(last), 0)
  },
)
