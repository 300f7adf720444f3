import type { Check, Probe } from './probe.ts'
import type { Scene } from './scene.ts'

/**
 * Returns a probe that attacks from the worker of every tenant, and not from the first alone. Names the worker in the
 * claims of the others.
 */
export function fromEachWorker(probe: Probe): Probe {
  return {
    ...probe,
    async run(scene) {
      const [, ...others] = scene.agents
      const runs = [probe.run(scene), ...others.map(name => from(name, scene))]
      return (await Promise.all(runs)).flat()
    },
  }

  async function from(worker: string, scene: Scene): Promise<Check[]> {
    const agent = scene.attackerIn(worker)
    const checks = await probe.run({ ...scene, agents: [worker], agent })
    return checks.map(check => ({ ...check, claim: `${check.claim}, from ${worker}` }))
  }
}
