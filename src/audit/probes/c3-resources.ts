import { askedBounds, liveBounds, seenLimits } from '../bounds.ts'
import { everyService, everyServiceLive } from '../every-service.ts'
import { type Check, held, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'
import { standards } from '../standards.ts'

/** Bombs of processes, memory, files, logs and scratch space. Inspected, not run: the stack is live. */
export const resources: Probe = {
  id: 'C3',
  title: 'a bomb of memory, processes, files or logs',
  attack: 'use up what the host and the other services live on',
  standards: [
    standards.memory,
    standards.processors,
    standards.ulimits,
    standards.processLimit,
    standards.limits,
    standards.runtimeConfiguration,
  ],
  async run(scene) {
    const asked = askedBounds.map(([claim, lack]) => everyService(scene, claim, lack))
    const live = await Promise.all(
      liveBounds.map(([claim, lack]) => everyServiceLive(scene, claim, lack)),
    )
    return [...asked, ...live, await seen(scene)]
  },
}

/** Reports which limits rest on the engine's word alone. */
async function seen(scene: Scene): Promise<Check> {
  const claim = 'limits that are not seen inside are known'
  const facts = await scene.liveFacts()
  const lines = [...facts].flatMap(([service, live]) => {
    const names = live ? seenLimits(live) : []
    return names.length === 4 ? [] : [`${service}: ${names.join(', ') || 'none'} of 4`]
  })
  return held(
    claim,
    lines.length === 0
      ? 'memory, swap, processes and processors are seen in every cgroup'
      : `the rest is by the engine's word; seen in ${lines.join('; ')}`,
  )
}
