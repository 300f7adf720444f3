import { UserError } from '../../base/errors.ts'
import { type Log, step } from '../../base/log.ts'
import { lastLine } from '../../base/terminal-text.ts'
import { composeCall } from '../../engine/compose.ts'
import type { DockerClient } from '../../engine/find-client.ts'
import { exec } from '../../process/exec.ts'

/** Above the longest DRAIN_SECONDS. */
const timeout = 3_700_000

/**
 * Stops the service `server` alone, which lets its runs end within its DRAIN_SECONDS and interrupts the rest.
 * The engine waits as long as the container was made for.
 */
export async function drainServer(
  docker: DockerClient,
  stack: string,
  { log, signal }: { log: Log; signal?: AbortSignal },
): Promise<void> {
  await step(log, 'waiting for active runs to end', async () => {
    const args = ['--project-name', stack, 'stop', 'server']
    const call = { cwd: '/', env: docker.env, timeout, ...(signal && { signal }) }
    const { code, stderr } = await exec(...composeCall(docker, args), call)
    if (code !== 0) {
      throw new UserError(`cannot stop the server of ${stack}: ${lastLine(stderr)}`, {
        hint: 'run it again, or stop its container with docker stop',
        cause: new Error(stderr),
      })
    }
  })
}
