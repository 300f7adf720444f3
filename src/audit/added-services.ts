import * as z from 'zod'
import { parseJson } from '../base/json.ts'
import { ServiceSummary, serviceVolume } from '../stack/additions/added-service.ts'
import { labels } from '../stack/labels.ts'
import { isAdded } from '../stack/services.ts'
import type { InspectedContainer } from './inspections.ts'
import type { InspectedMount } from './mounts.ts'

type Labelled = { Config: Pick<InspectedContainer['Config'], 'Labels'> }

/**
 * Returns the services beside the agent that the user approved, as recorded by `start`. The label belongs to
 * the container and not to its processes, so no service can change it. Returns none where the label is
 * unreadable, so that every such service counts as unexpected.
 */
export function approvedServices({ Config }: Labelled): ServiceSummary[] {
  const parsed = z
    .array(ServiceSummary)
    .safeParse(parseJson(Config.Labels?.[labels.services] ?? '[]'))
  return parsed.success ? parsed.data : []
}

/** Returns the names of the services that are not part of every stack. */
export function addedNames(containers: ReadonlyMap<string, InspectedContainer>): string[] {
  return [...containers.keys()].filter(isAdded).sort()
}

/** Returns whether a mount is the data of an approved service. */
export function isServiceData(
  service: string,
  { Type, Name, Destination }: InspectedMount,
  container: Labelled,
): boolean {
  const approved = approvedServices(container).find(({ name }) => name === service)
  return (
    Type === 'volume' &&
    approved !== undefined &&
    approved.volumes.includes(Destination) &&
    (Name ?? '').includes(`_${serviceVolume(service, '')}`)
  )
}

/** Exceptions of a service's file, by the claims that they weaken. */
const weakened: Readonly<Record<string, RegExp>> = {
  'the root filesystem of every service is read-only': /^writable-root$/,
  'the root filesystem is mounted read-only': /^writable-root$/,
  'no service is configured to run as root': /^root-user$/,
  'no process is root': /^root-user$/,
  'no service gets a capability': /^capability-/,
  'no process has a capability': /^capability-/,
  'scratch folders are requested with noexec, nosuid and nodev': /^executable-tmp$/,
  'scratch folders are mounted with noexec, nosuid and nodev': /^executable-tmp$/,
}

/** Returns the stated reason for which a service may lack a control; null without one. */
export function statedReason(
  claim: string,
  service: string,
  container: Labelled | undefined,
): string | null {
  const pattern = weakened[claim]
  if (!pattern || !container) return null
  const approved = approvedServices(container).find(({ name }) => name === service)
  const exception = Object.entries(approved?.exceptions ?? {}).find(([name]) => pattern.test(name))
  return exception ? `${exception[0]}: ${exception[1]}` : null
}
