import { UserError } from '../base/errors.ts'
import { type Log, step } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { DockerClient } from '../engine/client-find.ts'
import type { Engine } from '../engine/engine.ts'
import { exec } from '../process/exec.ts'
import { isStackName } from './identity.ts'
import { inspectStack, inspectStacks } from './inspect.ts'
import { clearPlaceholders } from './protection.ts'
import { stateFolder } from './state/state-folder.ts'

const composeProjectLabel = 'com.docker.compose.project'

/**
 * Names of all stacks of which anything is left. A start that was cut off leaves networks and no
 * container yet.
 */
export async function leftStacks(engine: Engine): Promise<string[]> {
  const [stacks, networks] = await Promise.all([
    inspectStacks(engine),
    engine.networks([composeProjectLabel]),
  ])
  const ofNetworks = networks.map(({ Labels }) => Labels?.[composeProjectLabel] ?? '')
  const names = [...stacks.map(({ stack }) => stack), ...ofNetworks.filter(isStackName)]
  return [...new Set(names)].sort()
}

/** Whether anything of one stack is left, in two small questions however many stacks there are. */
export async function isLeft(engine: Engine, stack: string): Promise<boolean> {
  const [state, networks] = await Promise.all([
    inspectStack(engine, stack),
    engine.networks([`${composeProjectLabel}=${stack}`]),
  ])
  return state !== null || networks.length > 0
}

/**
 * Removes the stack's containers and networks; its volumes (sessions, copies) stay. By project name
 * alone, so that a stack can be stopped whose workspace or settings are gone.
 */
export async function stopStack(
  docker: DockerClient,
  stack: string,
  options: { log: Log; signal?: AbortSignal },
) {
  await step(options.log, `stopping ${stack}`, async () => {
    const result = await exec(
      docker.file,
      ['compose', '--project-name', stack, 'down', '--remove-orphans', '--timeout', '5'],
      { cwd: '/', env: docker.env, signal: options.signal },
    )
    if (result.code !== 0) {
      const last = result.stderr.trim().split('\n').at(-1) ?? ''
      throw new UserError(`${stack} could not be stopped: ${terminalLine(last)}`, {
        hint: 'something else uses its network: docker network inspect shows what',
        cause: new Error(result.stderr),
      })
    }
    await clearPlaceholders(stateFolder(stack))
  })
}
