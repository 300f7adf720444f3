import { cpus, loadavg, release, totalmem } from 'node:os'
import { must } from '../tests/support/stack/process.ts'

/** What the figures were measured on, as lines of Markdown. */
export async function describeMachine(): Promise<string[]> {
  const processors = cpus()
  const engine = await must('docker', ['version', '--format', '{{.Server.Version}}'])
  const compose = await must('docker', ['compose', 'version', '--short'])
  return [
    `- ${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 1024 ** 3)} GiB of memory`,
    `- Linux ${release()}, Docker ${engine.trim()}, Compose ${compose.trim()}, Node.js ${process.versions.node}`,
  ]
}

/** Mean number of processes that wanted to run in the last minute. */
export function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1)
}
