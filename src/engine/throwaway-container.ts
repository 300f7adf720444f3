import { randomBytes } from 'node:crypto'
import { exec } from '../process/exec.ts'
import { containerFailed } from './engine-failure.ts'
import type { DockerClient } from './find-client.ts'

/** A volume and its path in the container. */
export type VolumeMount = { volume: string; target: string }

/** A container for one program, without network and with the confinement of every service. */
export type ThrowawayContainer = {
  image: string
  /** As `docker run --user` takes it. */
  user: string
  mounts: readonly VolumeMount[]
  /** Program in the image, and its arguments. */
  command: readonly [string, ...string[]]
  /** Describes the work in an error: `reading the copy`. */
  purpose: string
  /** Milliseconds. */
  timeout: number
}

const labelled = ['--label', 'claude-secure.throw-away=1']

/** Arguments of `docker run` that harden a container of any network: nothing writable, no capabilities, limits. */
export const hardened: readonly string[] = [
  ...['--rm', '--pull', 'never', ...labelled, '--read-only', '--workdir', '/'],
  ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
  ...['--memory', '268435456', '--memory-swap', '268435456', '--pids-limit', '64'],
]

/** The same, without a network. */
export const confined: readonly string[] = [...hardened, '--network', 'none']

/** Runs it and always removes it; throws when its exit status is not 0. */
export async function runThrowaway(
  client: DockerClient,
  { image, user, mounts, command, purpose, timeout }: ThrowawayContainer,
  signal?: AbortSignal,
): Promise<void> {
  const name = throwAwayName()
  const [program, ...args] = command
  const call = [
    ...['run', '--name', name, ...confined, '--init', '--user', user],
    ...mounts.flatMap(mount => mountOption(mount)),
    ...['--entrypoint', program, image, ...args],
  ]
  try {
    const result = await exec(client.file, call, {
      env: client.env,
      timeout,
      limit: 64 * 1024,
      signal,
    })
    if (result.code !== 0) throw containerFailed(purpose, result.stderr)
  } catch (error) {
    await removeContainer(client, name)
    throw error
  }
}

/**
 * Creates a container that is never started, to read a volume through the engine: nothing in it can run.
 * Passes its id to `body`, and removes it afterwards.
 */
export async function withCreatedContainer<T>(
  client: DockerClient,
  options: { image: string; mounts: readonly VolumeMount[]; purpose: string },
  body: (container: string) => Promise<T>,
): Promise<T> {
  const name = throwAwayName()
  const args = ['create', '--name', name, ...labelled, '--pull', 'never', '--network', 'none']
  const mounts = options.mounts.flatMap(mount => mountOption(mount, ',readonly,volume-nocopy'))
  const call = { env: client.env, timeout: 60_000 }
  try {
    const result = await exec(client.file, [...args, ...mounts, options.image, 'true'], call)
    if (result.code !== 0) throw containerFailed(options.purpose, result.stderr)
    return await body(result.stdout.trim())
  } finally {
    await removeContainer(client, name)
  }
}

function mountOption({ volume, target }: VolumeMount, more = ''): string[] {
  return ['--mount', `type=volume,source=${volume},target=${target}${more}`]
}

function throwAwayName() {
  return `claude-secure-once-${randomBytes(6).toString('hex')}`
}

async function removeContainer(client: DockerClient, name: string) {
  await exec(client.file, ['rm', '--force', '--volumes', name], {
    env: client.env,
    timeout: 30_000,
  }).catch(() => null)
}
