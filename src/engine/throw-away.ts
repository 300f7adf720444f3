import { randomBytes } from 'node:crypto'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { exec } from '../process/exec.ts'
import type { DockerClient } from './client-find.ts'

/** A volume and where the container has it. */
export type VolumeMount = { volume: string; target: string }

/** A container that lives for one program: without network, and confined as every service is. */
export type ThrowAway = {
  image: string
  /** As `docker run --user` takes it. */
  user: string
  mounts: readonly VolumeMount[]
  /** Program in the image, and its arguments. */
  command: readonly [string, ...string[]]
  /** What it is for, in an error. */
  purpose: string
  /** Milliseconds. */
  timeout: number
}

/** Arguments of `docker run` that confine a container of ours: no network, nothing writable, no rights. */
export const confined: readonly string[] = [
  ...['--rm', '--pull', 'never', '--network', 'none', '--read-only'],
  ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
]

const labelled = ['--label', 'claude-secure.throw-away=1']

/** Runs it to its end; throws when that is not 0. Nothing of it is left either way. */
export async function runThrowAway(
  client: DockerClient,
  { image, user, mounts, command, purpose, timeout }: ThrowAway,
  signal?: AbortSignal,
): Promise<void> {
  const name = throwAwayName()
  const [program, ...args] = command
  const call = [
    ...['run', '--name', name, ...labelled, ...confined, '--init'],
    ...['--user', user, '--memory', '268435456', '--memory-swap', '268435456'],
    ...['--pids-limit', '64', '--workdir', '/', ...mounts.flatMap(mount => mountOption(mount))],
    ...['--entrypoint', program, image, ...args],
  ]
  try {
    const result = await exec(client.file, call, {
      env: client.env,
      timeout,
      limit: 64 * 1024,
      signal,
    })
    if (result.code !== 0) throw failed(purpose, result.stderr)
  } catch (error) {
    await removeContainer(client, name)
    throw error
  }
}

/**
 * A container that is never started, for reading a volume through the engine: nothing in it can run.
 * Gives its id to `body`, and removes it.
 */
export async function withUnstarted<T>(
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
    if (result.code !== 0) throw failed(options.purpose, result.stderr)
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

function failed(purpose: string, stderr: string) {
  return new UserError(
    `${purpose} failed: ${terminalLine(stderr.trim().split('\n').at(-1) ?? '')}`,
    {
      hint: `run it again with --verbose, or check the machine: ${command('doctor')}`,
      cause: new Error(stderr),
    },
  )
}
