import { labels } from '../stack/labels.ts'
import { membership, serverNetworks } from '../stack/services.ts'
import { list } from './attempts.ts'
import { type Check, check } from './probe.ts'
import type { Scene } from './scene.ts'

/** Checks from the engine's answers that every network has the containers of its own services and no other. */
export function memberChecks({ inspections, tenants }: Scene): Check[] {
  // Also those of a tenant without a worker: the tenant `main` has a network when it is not listed.
  const present = inspections.containers.get('proxy')?.Config.Labels?.[labels.tenants] ?? ''
  const label = new Map([...inspections.networks].map(([label, { Name }]) => [Name, label]))
  const wrong = [...inspections.containers].flatMap(([name, container]) => {
    const networks = Object.keys(container.NetworkSettings.Networks).map(
      network => label.get(network) ?? network,
    )
    const { missing, foreign } =
      tenants === null
        ? membership(name, networks)
        : membership(name, networks, serverNetworks(name, present.split(',')))
    const differs = missing.length + foreign.length > 0
    return differs ? [`${name} is on ${networks.sort().join(', ')}`] : []
  })
  const members = new Set([...inspections.containers.values()].map(({ Id }) => Id))
  const strangers = [...inspections.networks]
    .filter(([name]) => name.endsWith('-internal'))
    .flatMap(([, { Containers }]) => Object.entries(Containers ?? {}))
    .filter(([id]) => !members.has(id))
    .map(([, { Name }]) => Name)
  return [
    check(
      'each service is on its own networks and on no other',
      wrong.length === 0,
      wrong.length > 0 ? list(wrong) : list([...inspections.containers.keys()]),
    ),
    check(
      'no other container is on the internal networks',
      strangers.length === 0,
      strangers.length > 0 ? list(strangers) : `${members.size} services`,
    ),
  ]
}
