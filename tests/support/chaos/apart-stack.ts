import { join } from 'node:path'
import type { Test } from 'tap'
import { computeImageTags } from '../../../src/images/image-tags.ts'
import { readPins } from '../../../src/images/pins.ts'
import { must } from '../stack/process.ts'
import { type ChaosStack, createChaosStack } from './chaos-stack.ts'
import { createOwnEngine, loadImages, type OwnEngine, type OwnEngineOptions } from './own-engine.ts'

/**
 * A stack on an engine of the test's own. It gets its images from the machine's engine, where they are
 * built if need be: its own has no internet. The environment of the whole test file then names it.
 */
export async function createStackApart(
  t: Test,
  options: OwnEngineOptions = {},
): Promise<{ stack: ChaosStack; engine: OwnEngine }> {
  const engine = await createOwnEngine(t, options)
  const machine = { ...process.env }
  process.env.DOCKER_HOST = engine.host
  const stack = await createChaosStack(t, { apart: true, start: false })
  const { checkout, env } = stack
  const { DOCKER_HOST, ...before } = env
  await must(join(checkout, 'claude.ts'), ['build'], {
    env: { ...before, ...machineHost(machine) },
  })
  const pins = await readPins(checkout)
  const tags = await computeImageTags({
    root: checkout,
    pins,
    baseImage: undefined,
    target: 'minimal',
  })
  await loadImages(engine, [...new Set(Object.values(tags))], machine)
  return { stack, engine }
}

function machineHost({ DOCKER_HOST }: NodeJS.ProcessEnv): Record<string, string> {
  return DOCKER_HOST ? { DOCKER_HOST } : {}
}
