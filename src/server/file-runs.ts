import { join } from 'node:path'
import { createRunEngine, type RunEngine } from '../run/engine.ts'
import { createMemoryLease } from '../run/memory-lease.ts'
import { readRunnerToken } from '../run/runner-token.ts'
import { createSocketTransport } from '../run/socket-transport.ts'
import { createFileStore } from '../run/store/file-store.ts'
import type { Spent } from './run-budget.ts'
import type { ServerRuns } from './run-starter.ts'

/** Opens the runs of each tenant in files below `folder`, one engine, lease and store for each. */
export function openFileRuns(options: {
  folder: string
  workersFolder: string
  workerSecretsFolder: string
  ttlHours: number
  tenants: () => readonly { name: string }[]
  now?: () => Date
}): ServerRuns {
  const { folder, workersFolder, workerSecretsFolder, ttlHours, now = () => new Date() } = options
  const engines = new Map<string, RunEngine>()

  function of(tenant: string): RunEngine {
    const known = engines.get(tenant)
    if (known) return known
    const transport = createSocketTransport({
      socketPath: join(workersFolder, tenant, 'runner.sock'),
      readToken: () => readRunnerToken(join(workerSecretsFolder, tenant)),
    })
    const engine = createRunEngine({
      workers: () => transport,
      store: createFileStore(join(folder, tenant, 'runs'), { runs: 10_000, days: ttlHours / 24 }),
      lease: createMemoryLease(),
      now,
    })
    engines.set(tenant, engine)
    return engine
  }

  return {
    of,
    async spentToday(owner): Promise<Spent> {
      const today = now().toISOString().slice(0, 10)
      let usd = 0
      for (const { name } of options.tenants()) {
        for (let after: string | undefined; ; ) {
          const page = await of(name).list({ ...(after !== undefined && { after }) })
          const runs = page.runs.filter(
            run => run.owner === owner && run.endedAt?.startsWith(today),
          )
          usd += runs.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0)
          if (page.next === null) break
          after = page.next
        }
      }
      return { usd, tokens: 0 }
    },
  }
}
