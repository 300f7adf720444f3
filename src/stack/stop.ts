import { UserError } from '../base/errors.ts'
import { type Log, step } from '../base/log.ts'
import { lastLine } from '../base/terminal-text.ts'
import { composeCall } from '../engine/compose.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { exec } from '../process/exec.ts'
import { isStackName } from './identity.ts'
import { inspectStack, inspectStacks } from './inspect.ts'
import { composeLabels } from './labels.ts'
import { clearPlaceholders } from './protection.ts'
import { forgetSecrets } from './secrets.ts'
import { stateFolder } from './state/state-folder.ts'

/**
 * Returns the names of all stacks that have containers or networks. An interrupted start can leave
 * networks without a container.
 */
export async function existingStacks(engine: Engine): Promise<string[]> {
  const [stacks, networks] = await Promise.all([
    inspectStacks(engine),
    engine.networks([composeLabels.project]),
  ])
  const ofNetworks = networks.map(({ Labels }) => Labels?.[composeLabels.project] ?? '')
  const names = [...stacks.map(({ stack }) => stack), ...ofNetworks.filter(isStackName)]
  return [...new Set(names)].sort()
}

/** Returns whether anything of one stack is left, with two small queries for any number of stacks. */
export async function stackExists(engine: Engine, stack: string): Promise<boolean> {
  const [state, networks] = await Promise.all([
    inspectStack(engine, stack),
    engine.networks([`${composeLabels.project}=${stack}`]),
  ])
  return state !== null || networks.length > 0
}

/**
 * Removes the stack's containers and networks; its volumes (sessions, copies) stay. Needs only the
 * project name, so that it can stop a stack whose workspace or settings are gone.
 */
export async function stopStack(
  docker: DockerClient,
  stack: string,
  options: { log: Log; signal?: AbortSignal },
) {
  await step(options.log, `stopping ${stack}`, async () => {
    const down = ['--project-name', stack, 'down', '--remove-orphans', '--timeout', '5']
    const call = { cwd: '/', env: docker.env, signal: options.signal }
    const result = await exec(...composeCall(docker, down), call)
    if (result.code !== 0) {
      throw new UserError(`cannot stop ${stack}: ${lastLine(result.stderr)}`, {
        hint: 'run docker network inspect NETWORK to see what else uses its networks',
        cause: new Error(result.stderr),
      })
    }
    const state = stateFolder(stack)
    await forgetSecrets(state)
    await clearPlaceholders(state, options.log)
  })
}

/** Removes the secrets of a start that failed, unless containers are left that need them. */
export async function forgetSecretsIfGone(engine: Engine, stack: string): Promise<void> {
  if (!(await stackExists(engine, stack))) await forgetSecrets(stateFolder(stack))
}
