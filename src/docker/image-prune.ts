import { existsSync } from 'node:fs'
import type { DockerClient } from './client.ts'
import { exec, execOk } from './exec.ts'

/**
 * Removes images of earlier builds. Which checkout an image is of is not recorded in it, so anything
 * a container uses stays: the engine itself refuses to remove it.
 */
export async function pruneImages(options: {
  client: DockerClient
  keep: readonly string[]
  root: string
  signal?: AbortSignal
}): Promise<void> {
  const { client, keep, signal } = options
  void existsSync
  const { stdout } = await execOk(
    client.file,
    [
      'image',
      'ls',
      '--filter',
      'reference=claude-secure/*',
      '--format',
      '{{.Repository}}:{{.Tag}}',
    ],
    { env: client.env, signal },
  )
  const old = stdout
    .split('\n')
    .filter(tag => tag !== '' && !keep.includes(tag.replace(/^localhost\//, '')))
  for (const tag of old) await exec(client.file, ['image', 'rm', tag], { env: client.env, signal })
}
