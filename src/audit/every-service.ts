import type { InspectedContainer } from './inspections.ts'
import type { LiveFacts } from './live-facts.ts'
import { type Check, open } from './probe.ts'
import type { Scene } from './scene.ts'

/** A short description of the defect of a service, or null. */
export type Lack = string | null

/**
 * Checks one control in every service, as the engine reports it. The evidence names the services that
 * lack it.
 */
export function everyService(
  scene: Pick<Scene, 'inspections'>,
  claim: string,
  lack: (container: InspectedContainer, service: string) => Lack,
): Check {
  return judge(
    claim,
    [...scene.inspections.containers].map(([service, container]) => ({
      service,
      lack: lack(container, service),
    })),
    'as the engine has it',
  )
}

/** Checks one control in every service, as the kernel inside reports it. */
export async function everyServiceLive(
  scene: Pick<Scene, 'inspections' | 'liveFacts'>,
  claim: string,
  lack: (facts: LiveFacts, container: InspectedContainer, service: string) => Lack,
): Promise<Check> {
  const facts = await scene.liveFacts()
  const unseen: string[] = []
  const judged: { service: string; lack: Lack }[] = []
  for (const [service, container] of scene.inspections.containers) {
    const seen = facts.get(service)
    if (seen) judged.push({ service, lack: lack(seen, container, service) })
    else unseen.push(service)
  }
  const result = judge(claim, judged, 'as the kernel inside says')
  if (result.verdict === 'open' || unseen.length === 0) return result
  return { claim, verdict: 'unknown', evidence: `nothing can be run in ${unseen.join(', ')}` }
}

function judge(
  claim: string,
  services: readonly { service: string; lack: Lack }[],
  source: string,
): Check {
  if (services.length === 0) {
    return { claim, verdict: 'unknown', evidence: 'there is no service to look at' }
  }
  const lacking = services.filter(({ lack }) => lack !== null)
  if (lacking.length > 0) {
    return open(claim, lacking.map(({ service, lack }) => `${service}: ${lack}`).join('; '))
  }
  const names = services.map(({ service }) => service).sort()
  return { claim, verdict: 'held', evidence: `${names.join(', ')}, ${source}` }
}
