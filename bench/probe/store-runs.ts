import { randomBytes } from 'node:crypto'
import { openRunStores } from '../../src/tenants/store/run-stores.ts'

/** Stores so many ended runs for each tenant in /data, in the server's image. */
const counts = JSON.parse(process.argv[2] ?? '') as Record<string, number>
const stores = await openRunStores({
  path: '/data/runs.sqlite',
  ttl: 6 * 3_600_000,
  now: () => new Date(),
  report(error) {
    throw error
  },
})
for (const [tenant, count] of Object.entries(counts)) {
  for (let i = 0; i < count; i++) await storeRun(tenant, i)
}
await stores.close()

async function storeRun(tenant: string, index: number) {
  const runId = randomBytes(8).toString('hex')
  const workspace = `/workspaces/w${index % 20}`
  // A page is sorted by it.
  const startedAt = new Date(Date.now() - index * 1_000).toISOString()
  const log = await stores.of(tenant).create({
    ...{ runId, workspace, startedAt, prompt: 'Reply with the word pong.'.repeat(10) },
    ...{ model: 'sonnet', owner: tenant, surface: 'api', idempotencyKey: null },
    requestDigest: 'none',
  })
  const sessionId = randomBytes(16).toString('hex')
  const text = 'An answer of a few sentences. '.repeat(30)
  const at = startedAt
  await log.append({
    ...{ kind: 'started', seq: 1, at, runId, workspace, sessionId, warm: true, startedAt },
  })
  const claude = { type: 'result', subtype: 'success', is_error: false, result: text }
  for (let seq = 2; seq < 8; seq++) {
    await log.append({ kind: 'claude', seq, at, message: { type: 'assistant', text } })
  }
  await log.finish({
    ...{ runId, workspace, status: 'succeeded', sessionId, startedAt, endedAt: startedAt },
    ...{ error: null, claude, turns: [], system: null, meter: null, costUsd: 0.01 },
  })
}
