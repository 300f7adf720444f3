import { membership } from '../stack/services.ts'
import { list } from './attempts.ts'
import { type Check, check } from './probe.ts'
import type { Scene } from './scene.ts'

/** Checks from the engine's answers that every network has the containers of its own services and no other. */
export function memberChecks({ inspections }: Scene): Check[] {
  const label = new Map([...inspections.networks].map(([label, { Name }]) => [Name, label]))
  const wrong = [...inspections.containers].flatMap(([name, container]) => {
    const networks = Object.keys(container.NetworkSettings.Networks).map(
      network => label.get(network) ?? network,
    )
    const { missing, foreign } = membership(name, networks)
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
