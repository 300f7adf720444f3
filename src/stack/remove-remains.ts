import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { lastLine } from '../base/terminal-text.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { exec } from '../process/exec.ts'
import { isStackName } from './identity.ts'
import { inspectStack } from './inspect.ts'
import { clearPlaceholders } from './protection.ts'
import { keptInState, stateFolder } from './state/state-folder.ts'
import { stackExists, stopStack } from './stop.ts'
import { volumesOf } from './volumes.ts'

/**
 * Removes all of a stopped stack: exited containers, networks, volumes, and its state folder except the
 * usage. Call it under the stack's lock; refuses a stack that is running again.
 */
export async function removeRemains(
  { engine, docker }: { engine: Engine; docker: DockerClient },
  stack: string,
  options: { log: Log; signal?: AbortSignal },
): Promise<void> {
  // The name becomes the path of the folder to remove.
  if (!isStackName(stack)) throw new Error(`${stack} is not the name of a stack`)
  const state = await inspectStack(engine, stack)
  if (state?.services.some(service => service.state !== 'exited')) {
    throw new UserError(`${stack} was started in the meantime`, {
      hint: `run ${command(`stop ${stack}`)} first`,
    })
  }
  if (await stackExists(engine, stack)) await stopStack(docker, stack, options)
  const volumes = await volumesOf(engine, stack)
  if (volumes.length > 0) await removeVolumes(docker, stack, volumes, options.signal)
  await removeState(stack)
}

async function removeVolumes(
  docker: DockerClient,
  stack: string,
  volumes: readonly { Name: string }[],
  signal: AbortSignal | undefined,
) {
  const args = ['volume', 'rm', '--', ...volumes.map(({ Name }) => Name)]
  const { code, stderr } = await exec(docker.file, args, { env: docker.env, signal })
  if (code === 0) return
  throw new UserError(`cannot remove the volumes of ${stack}: ${lastLine(stderr)}`, {
    hint: 'run docker ps --all --filter volume=NAME to see what uses them',
    cause: new Error(stderr),
  })
}

/** Removes placeholders in the workspace first: the state folder holds their list. */
async function removeState(stack: string) {
  const state = stateFolder(stack)
  await clearPlaceholders(state)
  const entries = await readdir(state.path).catch(() => [])
  for (const name of entries.filter(name => !keptInState.includes(name))) {
    await rm(join(state.path, name), { recursive: true, force: true })
  }
  if (!entries.some(name => keptInState.includes(name))) {
    await rm(state.path, { recursive: true, force: true })
  }
}
