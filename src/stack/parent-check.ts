import { terminalLine } from '../base/terminal-text.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { exec } from '../process/exec.ts'

const checker = '/usr/local/lib/claude-secure/check-parent'

/** Asks the parent proxy, from the stack's proxy, for a tunnel to `name`; returns the trouble, or null. */
export async function parentTrouble(
  docker: DockerClient,
  container: string,
  name: string,
  signal?: AbortSignal,
): Promise<string | null> {
  const { code, stdout } = await exec(docker.file, ['exec', container, checker, name], {
    env: docker.env,
    timeout: 20_000,
    limit: 64 * 1024,
    signal,
  }).catch(error => {
    signal?.throwIfAborted()
    return { code: 1, stdout: '', error }
  })
  const status = /^HTTP\/\d\.\d (\d{3})/.exec(stdout)?.[1]
  if (code === 0 && status) return troubleOfStatus(Number(status), name)
  return stdout.trim() === '' ? 'does not answer' : `answers ${terminalLine(stdout, 60)}`
}

/** Returns what an answer of the parent proxy to CONNECT means; null when it opened the tunnel. */
export function troubleOfStatus(status: number, name: string): string | null {
  if (status >= 200 && status < 300) return null
  const shown = terminalLine(name, 100)
  if (status === 407) return 'refuses the user and password (407)'
  if (status === 403) return `refuses ${shown} (403)`
  if (status === 502 || status === 503 || status === 504) return `cannot reach ${shown} (${status})`
  return `answers ${status} for ${shown}`
}
