import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createRunEngine, type RunEngine } from '../../../src/run/engine.ts'
import { createMemoryLease } from '../../../src/run/memory-lease.ts'
import { createSocketTransport } from '../../../src/run/socket-transport.ts'
import { createFileStore } from '../../../src/run/store/file-store.ts'
import type { RunTransport } from '../../../src/run/transport.ts'
import type { Spent } from '../../../src/tenants/run-budget.ts'
import { startRunner } from '../runner/fixture.ts'
import { startServer } from './fixture.ts'

/** The application with a real engine, store and runner for the tenant `main`, and the fake Claude. */
export async function startRunning(
  t: Test,
  {
    spent = () => ({ usd: 0, tokens: 0 }),
    runner: runnerOptions = {},
    ...options
  }: Parameters<typeof startServer>[1] & {
    spent?: () => Spent
    runner?: Parameters<typeof startRunner>[1]
  } = {},
) {
  const runner = await startRunner(t, runnerOptions)
  const folder = mkdtempSync(join(tmpdir(), 'server-'))
  mkdirSync(join(folder, 'other'))
  mkdirSync(join(folder, 'main-evil'))
  symlinkSync(join(runner.root, 'workspaces'), join(folder, 'main'))

  const socket = createSocketTransport(runner.address)
  // The runner of the test has its folders elsewhere than /workspaces.
  const transport: RunTransport = {
    open: request => socket.open({ ...request, workspace: inRunner(request.workspace) }),
  }
  const inRunner = (workspace: string) =>
    workspace === '/workspaces'
      ? join(runner.root, 'workspace')
      : join(runner.root, 'workspaces', workspace.slice('/workspaces/'.length))

  const engines = new Map<string, RunEngine>()
  const of = (tenant: string) => {
    const engine =
      engines.get(tenant) ??
      createRunEngine({
        workers: () => transport,
        store: createFileStore(join(folder, 'store', tenant, 'runs')),
        lease: createMemoryLease(),
        now: () => new Date(),
      })
    engines.set(tenant, engine)
    return engine
  }
  const server = await startServer(t, {
    runs: { of, spentToday: () => spent() },
    workspacesFolder: folder,
    ...options,
  })
  t.teardown(async () => {
    await server.starter.drain(0)
    rmSync(folder, { recursive: true, force: true })
  })
  const run = (body: object, headers?: Record<string, string>) =>
    server.ask('/run', { method: 'POST', body, ...(headers && { headers }) })
  return { ...server, runner, folder, of, run }
}
