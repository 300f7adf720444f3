import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import {
  openRunStores,
  type RunStores,
  type RunStoresOptions,
} from '../../../src/tenants/store/run-stores.ts'
import { addSpent, nothing } from '../../../src/tenants/store/usage-of-run.ts'
import { memoryFolder } from '../../support/memory-folder.ts'

/** A clock that the test moves. */
export function createClock(start = '2026-11-21T10:00:00.000Z') {
  let at = Date.parse(start)
  return {
    now: () => new Date(at),
    forward: (milliseconds: number) => {
      at += milliseconds
    },
  }
}

/** Opens the stores of a folder of their own; `reopen` closes and opens them again. */
export async function openStores(t: Test, given: Partial<RunStoresOptions> = {}) {
  const folder = mkdtempSync(join(memoryFolder(), 'run-stores-'))
  const clock = createClock()
  const reported: Error[] = []
  const options: RunStoresOptions = {
    path: join(folder, 'data/runs.sqlite'),
    ttl: 3_600_000,
    now: clock.now,
    report: error => reported.push(error),
    ...given,
  }
  let stores = await openRunStores(options)
  t.teardown(async () => {
    await stores.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    stores,
    clock,
    reported,
    options,
    close: () => stores.close(),
    async reopen(changes: Partial<RunStoresOptions> = {}) {
      await stores.close()
      stores = await openRunStores({ ...options, ...changes })
      return stores
    },
  }
}

/** Adds up what runs of this owner reported since midnight. */
export function reportedToday(stores: RunStores, owner: string) {
  return stores
    .charges(owner)
    .reduce((sum, { usd, tokens }) => addSpent(sum, { usd, tokens }), nothing)
}
