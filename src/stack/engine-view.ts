import { randomBytes } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { lastLine, terminalLine } from '../base/terminal-text.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { confined } from '../engine/throwaway-container.ts'
import { exec } from '../process/exec.ts'

/**
 * Whether the engine may have another file system than this process: its address is set by hand, or this process
 * runs in a container and has the engine's socket.
 */
export async function mayBeElsewhere(dockerHost: string | undefined): Promise<boolean> {
  if (dockerHost) return true
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return inContainer(mounts)
}

/** Engines mount three files of their own into each container. */
export function inContainer(mountinfo: string): boolean {
  return /\/(containers|overlay-containers)\/[0-9a-f]{64}\/\S* \/etc\/(hostname|hosts|resolv\.conf) /.test(
    mountinfo,
  )
}

/**
 * Refuses an engine that does not see the folders of this process: it would mount others of the same name, or none.
 * Tries it with a file, because no address tells.
 */
export async function refuseOtherFileSystem(
  docker: DockerClient,
  options: {
    image: string
    /** A folder for a file that is removed again. */
    scratch: string
    /** Other folders that the engine will mount. */
    folders: readonly string[]
    where: string
    signal: AbortSignal
  },
): Promise<void> {
  const { image, scratch, folders, where, signal } = options
  const token = randomBytes(16).toString('hex')
  const name = `.engine-view-${token}`
  await writeFile(join(scratch, name), token, { mode: 0o644 })
  const mounts = [scratch, ...folders].flatMap((folder, index) => [
    '--mount',
    // A field of comma-separated values: a path may have commas and quotes.
    `type=bind,"source=${folder.replaceAll('"', '""')}",target=/view/${index},readonly`,
  ])
  const result = await exec(
    docker.file,
    ['run', ...confined, ...mounts, '--user', '0', '--cap-add', 'DAC_READ_SEARCH'].concat([
      ...['--entrypoint', 'cat', image, `/view/0/${name}`],
    ]),
    { env: docker.env, timeout: 60_000, signal },
  ).finally(() => rm(join(scratch, name), { force: true }))
  if (result.code === 0 && result.stdout === token) return
  const reason = /bind source path does not exist|No such file/i.test(result.stderr)
    ? 'does not see it'
    : lastLine(result.stderr, 200)
  throw new UserError(
    `the engine at ${terminalLine(where)} has another file system: of ${terminalLine([scratch, ...folders].join(', '))} it ${reason}`,
    {
      hint: 'run claude.ts on the machine of the engine; in a container, mount these folders at the same paths as on the host',
    },
  )
}
