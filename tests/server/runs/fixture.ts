import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { startRunner, type TestRunner } from '../../integration/runner/fixture.ts'

const schemaProgram = join(import.meta.dirname, '../../../src/serve/schema-worker.ts')

/** A runner with the fake claude for each tenant, and the folders in which a server finds them. */
export async function startWorkers<Name extends string>(
  t: Test,
  names: readonly Name[],
  options: Parameters<typeof startRunner>[1] = { landlock: true },
) {
  const folder = mkdtempSync(join(tmpdir(), 'workers-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const [workersFolder, workerSecretsFolder] = [join(folder, 'workers'), join(folder, 'secrets')]
  mkdirSync(workerSecretsFolder)
  const runners = {} as Record<Name, TestRunner>
  for (const name of names) {
    const runner = await startRunner(t, { runs: 32, ...options })
    runners[name] = runner
    mkdirSync(join(workersFolder, name), { recursive: true })
    symlinkSync(runner.address.socketPath, join(workersFolder, name, 'runner.sock'))
    writeFileSync(join(workerSecretsFolder, name), await runner.address.readToken())
  }
  const settings = {
    ...{ storeFolder: join(folder, 'store'), usageFolder: join(folder, 'usage') },
    ...{ workersFolder, workerSecretsFolder },
  }
  /** A workspace of a tenant. */
  const at = (name: Name, path: string) => {
    const workspace = join(runners[name].root, 'workspaces', path)
    mkdirSync(workspace, { recursive: true })
    return workspace
  }
  return {
    settings: { ...settings, schemaProgram, ttlHours: 6, tenants: () => names.length },
    runners,
    at,
  }
}
