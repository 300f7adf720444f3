import type { Test } from 'tap'
import { createRunEngine } from '../../../src/run/engine.ts'
import { createMemoryLease } from '../../../src/run/memory-lease.ts'
import { createSocketTransport } from '../../../src/run/socket-transport.ts'
import { createFileStore } from '../../../src/run/store/file-store.ts'
import type { RunTransport } from '../../../src/run/transport.ts'
import type { ContractTarget } from '../../support/contract/contract-api.ts'
import { fakePrompts } from '../../support/contract/prompts.ts'
import { startRunner } from '../runner/fixture.ts'
import { startServer, storedToken, token } from './fixture.ts'

/** The application with a real engine and runner, and the fake Claude. */
export async function startContractTarget(t: Test): Promise<ContractTarget> {
  const runner = await startRunner(t)
  const socket = createSocketTransport(runner.address)
  // The runner of the test has its folders elsewhere than /workspaces.
  const transport: RunTransport = {
    open: request =>
      socket.open({
        ...request,
        workspace: request.workspace.replace(/^\/workspaces/, `${runner.root}/workspaces`),
      }),
  }
  const engine = createRunEngine({
    workers: () => transport,
    store: createFileStore(`${runner.root}/store`),
    lease: createMemoryLease(),
    now: () => new Date(),
  })
  const { port } = await startServer(t, {
    runs: { of: () => engine, spentToday: () => ({ usd: 0, tokens: 0 }) },
    workspacesFolder: runner.root,
    fileBytes: 1_000_000,
    // The tenant's folder is the runner's.
    tenants: [{ name: 'workspaces' }],
    tokens: [storedToken('default', token, { tenant: 'workspaces' })],
  })
  return { url: `http://127.0.0.1:${port}`, token, prompts: fakePrompts }
}
