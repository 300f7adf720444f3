import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { fromEachWorker } from '../from-each-worker.ts'
import type { Probe } from '../probe.ts'
import { besideServices } from './b1-services.ts'
import { forwards } from './b2-forwards.ts'
import { setuidFiles } from './c1-setuid.ts'
import { privileges } from './c2-privileges.ts'
import { resources } from './c3-resources.ts'
import { runtimeFaults } from './c4-runtime-faults.ts'
import { sharedKernel } from './c5-kernel.ts'
import { hostTrojan } from './h1-host-trojan.ts'
import { sharedHome } from './h3-shared-home.ts'
import { redirect } from './h4-redirect.ts'
import { hostServices } from './n01-host-services.ts'
import { dnsResolver } from './n02-dns-resolver.ts'
import { dnsThroughProxy } from './n03-dns-through-proxy.ts'
import { wildcard } from './n04-wildcard.ts'
import { addressWithAName } from './n05-address-with-a-name.ts'
import { addressForms } from './n06-address-forms.ts'
import { portsAndMethods } from './n07-ports-methods.ts'
import { privateAddresses } from './n08-private-addresses.ts'
import { serverName } from './n09-server-name.ts'
import { ipv6 } from './n10-ipv6.ts'
import { neighbours } from './n11-neighbours.ts'
import { proxyFromOutside } from './n12-proxy-from-outside.ts'
import { exhaustion } from './n13-exhaustion.ts'
import { proxySurface } from './n14-proxy-surface.ts'
import { allowedHost } from './n15-allowed-host.ts'
import { failClosed } from './n16-fail-closed.ts'
import { forgedLog } from './n17-forged-log.ts'
import { datagrams } from './n19-datagrams.ts'
import { oneReading } from './n20-one-reading.ts'
import { parentProxy } from './n21-parent-proxy.ts'
import { grants } from './n22-grants.ts'
import { reach } from './r1-reach.ts'
import { secretSearch } from './s1-secret.ts'
import { apiFromWorkers } from './w1-api.ts'
import { workerHoldings } from './w2-holdings.ts'
import { foreignPlaceholders } from './w3-placeholders.ts'
import { listsOfCallers } from './w4-lists.ts'
import { outwardFromServer } from './w5-outward.ts'
import { serverFiles } from './w6-server-files.ts'
import { ceilingOfGrants } from './w7-ceiling.ts'

/** Every probe of a folder's stack, in the order of the threat list. */
export const probes: readonly Probe[] = [
  setuidFiles,
  privileges,
  resources,
  runtimeFaults,
  sharedKernel,
  hostTrojan,
  sharedHome,
  redirect,
  hostServices,
  dnsResolver,
  dnsThroughProxy,
  wildcard,
  addressWithAName,
  addressForms,
  portsAndMethods,
  privateAddresses,
  serverName,
  ipv6,
  neighbours,
  proxyFromOutside,
  exhaustion,
  proxySurface,
  allowedHost,
  failClosed,
  forgedLog,
  datagrams,
  oneReading,
  parentProxy,
  grants,
  reach,
  secretSearch,
  besideServices,
  forwards,
]

/** Probes of what only the stack of a folder has: its workspace, its services and its forwards. */
const ofFolders: readonly Probe[] = [hostTrojan, besideServices, forwards]

/** Probes of what a container itself can reach, which may differ from one worker to the next. */
const ofEachWorker: readonly Probe[] = [privileges, hostServices, dnsResolver, datagrams]

/** The probes of a server: those of every stack, and of the walls between its parts. */
export const serverProbes: readonly Probe[] = [
  ...probes
    .filter(probe => !ofFolders.includes(probe))
    .map(probe => (ofEachWorker.includes(probe) ? fromEachWorker(probe) : probe)),
  apiFromWorkers,
  workerHoldings,
  foreignPlaceholders,
  listsOfCallers,
  outwardFromServer,
  serverFiles,
  ceilingOfGrants,
]

/** Returns the probes with these ids, which may be joined by commas; all without an id. */
export function probesNamed(
  ids: readonly string[] | undefined,
  probes: readonly Probe[],
): readonly Probe[] {
  if (!ids || ids.length === 0) return probes
  const single = ids.flatMap(id => id.split(',')).filter(Boolean)
  return single.map(id => {
    const probe = probes.find(candidate => candidate.id.toLowerCase() === id.toLowerCase())
    if (probe) return probe
    const known = probes.map(({ id }) => id).join(' ')
    throw new UserError(`there is no probe ${terminalLine(id, 40)}`, {
      hint: `run ${command(probes === serverProbes ? 'serve audit --list' : 'audit --list')} for what each does: ${known}`,
      exitCode: 2,
    })
  })
}
