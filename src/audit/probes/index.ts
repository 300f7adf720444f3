import type { Probe } from '../probe.ts'
import { addressWithAName } from './n05-address-with-a-name.ts'

/** Every probe, in the order of the threat list. */
export const probes: readonly Probe[] = [addressWithAName]
