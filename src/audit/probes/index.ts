import type { Probe } from '../probe.ts'
import { setuidFiles } from './c1-setuid.ts'
import { privileges } from './c2-privileges.ts'
import { resources } from './c3-resources.ts'
import { runtimeFaults } from './c4-runtime-faults.ts'
import { sharedKernel } from './c5-kernel.ts'
import { addressWithAName } from './n05-address-with-a-name.ts'

/** Every probe, in the order of the threat list. */
export const probes: readonly Probe[] = [
  setuidFiles,
  privileges,
  resources,
  runtimeFaults,
  sharedKernel,
  addressWithAName,
]
