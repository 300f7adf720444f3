import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fixtureMemory } from '../memory-folder.ts'
import { bundleFiles } from './bundle-files.ts'
import { type RunFiles, runInProcesses } from './run-files.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs files from a bundle of their own, with a folder in memory for the fixtures of unit tests. */
export async function runBundled(processes: number, options: RunFiles): Promise<boolean> {
  const bundle = await bundleFiles(options.files).catch((error: Error) => {
    options.summary.fail()
    options.print(`FAILED cannot bundle the test files: ${error.message}`)
    return null
  })
  if (!bundle) return false
  const parent = fixtureMemory()
  const memory = parent && mkdtempSync(join(parent, 'claude-secure-fixtures-'))
  const clean = () => {
    bundle.remove()
    if (memory) rmSync(memory, { recursive: true, force: true })
  }
  // Memory would stay taken after a Ctrl-C.
  const end = (signal: NodeJS.Signals) => {
    clean()
    process.kill(process.pid, signal)
  }
  for (const signal of signals) process.once(signal, end)
  try {
    // As /tmp: some tests run programs as other users.
    if (memory) chmodSync(memory, 0o1777)
    const env = { ...options.env, ...(memory && { TEST_MEMORY: memory }) }
    return await runInProcesses(processes, { ...options, env, bundle: bundle.folder })
  } finally {
    for (const signal of signals) process.off(signal, end)
    clean()
  }
}
