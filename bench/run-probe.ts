import { join } from 'node:path'
import { build } from 'esbuild'
import { must } from '../tests/support/stack/process.ts'
import type { Plan } from './probe/plan.ts'
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
  const args = ['--input-type=module', '-', JSON.stringify(plan)]
  const stdout = await must('docker', ['exec', '--interactive', container, 'node', ...args], {
    input: await program('main'),
  })
  return JSON.parse(stdout)
}

/** Like `runProbe`, in a worker: measures its runner against the bare program. */
export async function runRuns(container: string, plan: RunsPlan): Promise<Record<string, Samples>> {
  const args = ['--input-type=module', '-', JSON.stringify(plan)]
  const stdout = await must('docker', ['exec', '--interactive', container, 'node', ...args], {
    input: await program('runs'),
  })
  return JSON.parse(stdout)
}

async function program(name: 'main' | 'runs'): Promise<string> {
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
