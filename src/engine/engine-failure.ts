import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { lastLine } from '../base/terminal-text.ts'
import { diskFull, isDiskFull } from '../files/disk-space.ts'
import { exec } from '../process/exec.ts'
import type { DockerClient } from './client-find.ts'

/** Builds the error for a failed docker command; for a full disk it names the engine's folder. */
export async function engineFailed(
  what: string,
  output: string,
  client: DockerClient,
  known: { problem?: string; hint?: string } = {},
): Promise<UserError> {
  const cause = new Error(output)
  if (isDiskFull(output)) return diskFull(what, await engineFolder(client), cause)
  const problem = known.problem ?? lastLine(output)
  const hint = known.hint ?? `run ${command('doctor')} to check the engine`
  return new UserError(`${what}: ${problem}`, { hint, cause })
}

async function engineFolder(client: DockerClient) {
  const format = client.kind === 'podman' ? '{{.Store.GraphRoot}}' : '{{.DockerRootDir}}'
  const result = await exec(client.file, ['info', '--format', format], { env: client.env }).catch(
    () => null,
  )
  return result?.stdout.trim() || '/var/lib/docker'
}
