import { join } from 'node:path'
import { build } from 'esbuild'
import { must } from '../tests/support/stack/process.ts'
import type { BareRunsPlan } from './probe/bare-runs-plan.ts'
import type { Plan } from './probe/plan.ts'
import type { RequestsPlan } from './probe/requests-plan.ts'
import type { RunsPlan } from './probe/runs-plan.ts'
import type { Samples } from './samples.ts'

/**
 * Measures from within a container, all routes in turns by one process. The program comes on stdin, so
 * that any container with Node.js works without mounts or copies.
 */
export async function runProbe<P extends Plan>(
  container: string,
  plan: P,
): Promise<Record<keyof P['routes'], Samples>> {
  return JSON.parse(await runInside(container, 'main', plan))
}

/** Like `runProbe`, in a worker: measures its runner against the bare program. */
export async function runRuns(container: string, plan: RunsPlan): Promise<Record<string, Samples>> {
  return JSON.parse(await runInside(container, 'runs', plan))
}

/** Measures the milliseconds of bare programs that start at once in a worker. */
export async function runBare(container: string, plan: BareRunsPlan): Promise<number> {
  return JSON.parse(await runInside(container, 'bare-runs', plan))
}

/** Measures answers per second, by a process of its own on this machine. */
export async function runRequests(plan: RequestsPlan): Promise<number> {
  const args = ['--input-type=module', '-', JSON.stringify(plan)]
  return JSON.parse(await must(process.execPath, args, { input: await programOf('requests') }))
}

async function runInside(container: string, name: ProgramName, plan: object): Promise<string> {
  const args = ['--input-type=module', '-', JSON.stringify(plan)]
  return must('docker', ['exec', '--interactive', container, 'node', ...args], {
    input: await programOf(name),
  })
}

type ProgramName = 'main' | 'runs' | 'bare-runs' | 'requests' | 'store-runs'

const programs = new Map<ProgramName, Promise<string>>()

/** Bundles a program of `probe` to one text, once. */
export function programOf(name: ProgramName): Promise<string> {
  const program = programs.get(name) ?? bundle(name)
  programs.set(name, program)
  return program
}

async function bundle(name: ProgramName): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, `probe/${name}.ts`)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0]?.text ?? ''
}
