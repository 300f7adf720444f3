import { cpus, loadavg, release, totalmem } from 'node:os'
import { must } from '../tests/support/stack/process.ts'

/** Describes the machine of the measurements, as lines of Markdown. */
export async function describeMachine(): Promise<string[]> {
  const processors = cpus()
  const engine = await must('docker', ['version', '--format', '{{.Server.Version}}'])
  const compose = await must('docker', ['compose', 'version', '--short'])
  return [
    `- ${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 1024 ** 3)} GiB of memory`,
    `- Linux ${release()}, Docker ${engine.trim()}, Compose ${compose.trim()}, Node.js ${process.versions.node}`,
  ]
}

/** Returns the load average of the last minute. */
export function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1)
}
