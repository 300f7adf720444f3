import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { standards } from '../audit-report.ts'
import { isSandbox } from '../privileges.ts'
import { check, type Probe } from '../probe.ts'

const Override = z.looseObject({
  services: z.record(z.string(), z.looseObject({ runtime: z.string().optional() })),
})

/** A kernel vulnerability leads out of every container that shares the kernel. */
export const sharedKernel: Probe = {
  id: 'C5',
  title: 'a vulnerability of the kernel',
  attack: 'leave the container through the kernel that it shares with the host',
  standards: [standards.sharedKernel],
  async run(scene) {
    const { override } = stateFolder(scene.stack.stack)
    const [first = ''] = scene.agents
    // One setting for all agents; the file of a folder's stack states it for each.
    const requested = await requestedRuntime(override, scene.tenants === null ? 'claude' : first)
    return scene.agents.map(name => {
      const runtime = scene.service(name).HostConfig.Runtime || 'the default'
      const kernel = isSandbox(runtime)
        ? `${runtime}: a kernel of its own is between the agent and the host's kernel`
        : `${runtime}: shares the host's kernel (docs/security.md, What remains); RUNTIME= changes it`
      return check(
        `${name} runs on the requested runtime`,
        requested === null || requested === runtime,
        requested === null ? kernel : `requested ${requested}; ${kernel}`,
      )
    })
  },
}

/** Returns RUNTIME as it was at start; null if it was not set. */
async function requestedRuntime(stackFile: string, service: string) {
  const text = await readFile(stackFile, 'utf8').catch(() => null)
  if (text === null) return null
  const { parse } = await import('yaml')
  const override = Override.safeParse(parse(text))
  return override.data?.services[service]?.runtime ?? null
}
