import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TenantName } from '../../config/tenants.ts'
import { createRunEngine, type Run, type RunEngine } from '../../run/engine.ts'
import { RunRefusal } from '../../run/failure.ts'
import type { Patience } from '../../run/follow.ts'
import { createMemoryLease } from '../../run/memory-lease.ts'
import { readRunnerToken } from '../../run/runner-token.ts'
import { createSocketTransport, type SocketTransport } from '../../run/socket-transport.ts'
import { createByteBudget } from '../byte-budget.ts'
import { createGate } from '../gate.ts'
import { createSchemaCheck } from '../schema-check.ts'
import type { Outbox, ReportsOptions } from '../store/outbox.ts'
import type { Records } from '../store/records.ts'
import { openRunStores } from '../store/run-stores.ts'
import type { Spent } from '../store/usage-of-run.ts'
import { requireLandlock } from './landlock-check.ts'
import { addCharges } from './spent-today.ts'

/** The runs of all tenants. What is asked of one tenant's engine finds no run of another. */
export type TenantRuns = {
  of: (tenant: string) => RunEngine
  /** Returns the worker of a tenant: what it does, and warm processes. */
  worker: (tenant: string) => SocketTransport
  /**
   * Returns what the runs of this token's name cost since midnight (UTC), those in progress included: of each the
   * larger of what Claude Code reported and what the gateway counted.
   */
  spentToday: (owner: string) => Promise<Spent>
  /** The reports of ended runs; empty without `reports`. */
  outbox: Outbox
  /** Opens the records of a surface, which outlive its runs. */
  records: (surface: string) => Records
  /**
   * Starts no more runs, cancels those in progress, and marks as interrupted what has not ended within so many
   * milliseconds. Then the store is closed.
   */
  close: (grace?: number) => Promise<void>
}

export type TenantRunsOptions = {
  /** Folder of the database. */
  storeFolder: string
  /** Folder with `TENANT/runner.sock`. */
  workersFolder: string
  /** Folder with a file for each tenant: the token of its runner. */
  workerSecretsFolder: string
  /** File of `schema-worker.ts`. */
  schemaProgram: string
  /** Folder with the gateway's counts, in a folder for each tenant. */
  usageFolder: string
  /** Hours for which a result is kept. */
  ttlHours: number
  /** Returns the number of tenants, which share the memory for turns. */
  tenants: () => number
  /** Maximum characters of the turns of all runs in progress, which stay in memory until they end. */
  turnCharacters?: number
  /** The root workspace, as the workers name it. */
  root?: string
  now?: () => Date
  /** Takes failures that end no request, such as an event that a full disk did not take. */
  report: (error: Error) => void
  patience?: Partial<Patience>
  /** Keeps a report of each run that ends. */
  reports?: ReportsOptions
}

const defaultGrace = 3_000
/** A character takes up to two bytes, and once more when the result is stored. */
const defaultTurnCharacters = 32 * 1024 * 1024
/** Maximum threads that check schemas at once: each may take 64 MB. */
const schemaThreads = 2

/** Opens the runs of all tenants; those in progress when the last server died are interrupted. */
export async function openTenantRuns(options: TenantRunsOptions): Promise<TenantRuns> {
  const { workersFolder, workerSecretsFolder, root = '/workspaces', report, patience } = options
  const now = options.now ?? (() => new Date())
  const stores = await openRunStores({
    path: join(options.storeFolder, 'runs.sqlite'),
    ttl: options.ttlHours * 3_600_000,
    now,
    report,
    ...(options.reports && { reports: options.reports }),
  })
  const running = new Set<Run>()
  const gate = createGate(schemaThreads)
  const { tenants: count, turnCharacters = defaultTurnCharacters } = options
  const turns = createByteBudget({ total: turnCharacters, each: turnCharacters, tenants: count })
  const tenants = new Map<string, { engine: RunEngine; worker: SocketTransport }>()
  let closing: Promise<void> | null = null

  function tenant(name: string) {
    const known = tenants.get(name)
    if (known) return known
    // It becomes a part of two paths.
    TenantName.parse(name)
    const worker = createSocketTransport({
      socketPath: join(workersFolder, name, 'runner.sock'),
      readToken: () => readRunnerToken(join(workerSecretsFolder, name)),
    })
    const transport = requireLandlock(worker, root)
    const holder = { token: name, tenant: name }
    const engine = createRunEngine({
      workers: () => transport,
      store: stores.of(name),
      lease: createMemoryLease(),
      now,
      report: error => report(error instanceof Error ? error : new Error(String(error))),
      turnRoom: {
        take: characters => turns.take(holder, characters),
        give: characters => turns.give(holder, characters),
      },
      compileSchema: createSchemaCheck({ program: options.schemaProgram, gate }),
      ...(patience && { patience }),
    })
    const opened = { worker, engine: { ...engine, start: startOf(engine) } }
    tenants.set(name, opened)
    return opened
  }

  function startOf({ start }: RunEngine): RunEngine['start'] {
    return (request, more) => {
      if (closing !== null) throw new RunRefusal('stopping', 'the server is stopping')
      const run = start(request, more)
      running.add(run)
      const leave = () => void running.delete(run)
      run.result.then(leave, leave)
      return run
    }
  }

  async function endAll(grace: number) {
    for (const run of running) run.cancel()
    const late = new AbortController()
    await Promise.race([
      Promise.allSettled([...running].map(({ result }) => result)),
      sleep(grace, undefined, { signal: late.signal }).catch(() => {}),
    ])
    late.abort()
    await stores.close()
  }

  return {
    of: name => tenant(name).engine,
    outbox: stores.outbox,
    records: stores.records,
    worker: name => tenant(name).worker,
    spentToday: async owner => addCharges(stores.charges(owner), options.usageFolder),
    close(grace = defaultGrace) {
      closing ??= endAll(grace)
      return closing
    },
  }
}
