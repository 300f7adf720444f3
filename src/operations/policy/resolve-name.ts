import { isIP } from 'node:net'
import { command } from '../../base/command.ts'
import { userEnvironment } from '../../config/environment.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { admits } from '../../egress/allowlist.ts'
import { describeGrant, type Grant } from '../../egress/grants.ts'
import { isOver } from '../../egress/list-entries.ts'
import { isGrantableAddress, isInRange, isPrivateAddress } from '../../egress/private-range.ts'
import { exec } from '../../process/exec.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { currentStackName } from '../find-stacks.ts'
import { readPolicyLists } from './policy-files.ts'

/** Milliseconds for the host's resolver: a user waits for this. */
const patience = 3_000

/** Addresses shown of a name; the owner of the name decides how many there are. */
const shown = 3

/**
 * Resolves a name as this host does, with getent, which can be ended: a lookup within this process would keep it
 * alive. Returns the addresses; null when the resolver did not answer in time, or there is no getent.
 */
export async function resolveOnHost(name: string, signal: AbortSignal): Promise<string[] | null> {
  const { PATH } = userEnvironment()
  const options = { timeout: patience, grace: 200, limit: 64 * 1024, env: { PATH }, signal }
  const result = await exec('getent', ['ahosts', '--', name], options).catch(() => null)
  signal.throwIfAborted()
  if (result === null || ![0, 2].includes(result.code)) return null
  const addresses = result.stdout.split('\n').map(line => line.split(/\s/)[0] ?? '')
  return [...new Set(addresses.filter(address => isIP(address) !== 0))]
}

/** Returns whether a parent proxy resolves the names: then this host's answer says nothing about them. */
export async function parentResolves(): Promise<boolean> {
  const [{ loadSettings }, { readParentProxy }] = await Promise.all([
    import('../../config/load-settings.ts'),
    import('../../config/parent-proxy.ts'),
  ])
  const settings = await loadSettings(checkoutRoot())
  return (await readParentProxy(settings, userEnvironment())) !== null
}

/** Returns a warning when the proxy will refuse what the name resolves to on this host; null otherwise. */
export function resolutionWarning(
  grant: Grant,
  addresses: readonly string[] | null,
): string | null {
  const { name, range } = grant
  if (addresses === null) return `${name} was not resolved on this host within ${patience / 1000} s`
  if (addresses.length === 0) return `${name} does not resolve on this host: check the spelling`
  // The stack has no IPv6.
  const used = addresses.filter(address => isIP(address) === 4)
  if (used.length === 0)
    return `${name} has no IPv4 address on this host, and the stack has no IPv6`
  const closed = used.filter(
    address => isPrivateAddress(address) && !(range && isInRange(range, address)),
  )
  const [first] = closed
  if (first === undefined) return null
  const where = `${name} resolves to ${closed.slice(0, shown).join(', ')} on this host`
  if (range) return `${where}, outside of ${range}: the proxy refuses it`
  if (!closed.every(isGrantableAddress)) {
    return `${where}, an address that the proxy refuses for every name`
  }
  return `${where}, a private address, which the proxy refuses: run ${command(grantCommand(grant, first))} to open it`
}

function grantCommand({ name, port, tls }: Grant, address: string) {
  return [
    `allow ${name} --private ${address}/32`,
    ...(port === 443 ? [] : [`--port ${port}`]),
    ...(tls ? [] : ['--no-tls']),
  ].join(' ')
}

/** Returns what a grant gives away, for the user to read; none for a plain name. */
export function grantWarnings(grant: Grant): string[] {
  const { name, range, tls } = grant
  const { target } = describeGrant(grant)
  return [
    ...(range
      ? [`the agent can reach ${target} in ${range}: the owner of the name chooses the address`]
      : []),
    ...(tls
      ? []
      : [
          `without TLS the proxy cannot check what is sent to ${name}, and the network can read it`,
        ]),
  ]
}

/** Returns a warning for each grant whose port the other list of the current folder opens with other terms. */
export async function openOtherwise(grants: readonly Grant[], isHere: boolean): Promise<string[]> {
  const state = stateFolder(await currentStackName())
  const { checkout, here } = readPolicyLists(checkoutRoot(), state)
  return otherTerms(grants, isHere ? checkout : here, isHere ? 'every folder' : 'this folder')
}

/**
 * Compares grants with the entries of the other list. A proxy joins both, so the looser terms apply: a port that
 * one entry opens without TLS has no name to check.
 */
export function otherTerms(
  grants: readonly Grant[],
  others: readonly Grant[],
  whose: 'every folder' | 'this folder',
  now = new Date(),
): string[] {
  return grants.flatMap(grant => {
    const other = others.find(
      ({ name, port, tls, range, until }) =>
        name === grant.name &&
        port === grant.port &&
        !isOver(until, now) &&
        (tls !== grant.tls || (range !== undefined && range !== grant.range)),
    )
    if (!other) return []
    const { target, terms } = describeGrant(other)
    const listed = [target, ...(terms.length > 0 ? terms : ['with TLS'])].join(', ')
    const close = [
      `deny${whose === 'this folder' ? ' --here' : ''} ${other.name}`,
      ...(other.port === 443 ? [] : [`--port ${other.port}`]),
    ].join(' ')
    return [
      `the list for ${whose} has ${listed}: both apply here, and ${command(close)} removes that one`,
    ]
  })
}

/** Returns a warning for each denied name that another list admits in the current folder. */
export async function stillAllowed(
  names: readonly string[],
  port: number | undefined,
): Promise<string[]> {
  const { agent, checkout, here } = readPolicyLists(
    checkoutRoot(),
    stateFolder(await currentStackName()),
  )
  const now = new Date()
  const plain = agent.map(site => ({ ...site, port: 443 }))
  const lists = [
    { entries: here, by: "this folder's list", option: ' --here' },
    { entries: [...plain, ...checkout], by: 'the list for every folder', option: '' },
  ]
  return names.flatMap(name =>
    lists.flatMap(({ entries, by, option }) => {
      const entry = entries.find(
        entry =>
          admits(entry.name, name) &&
          (port === undefined || port === entry.port) &&
          !isOver(entry.until, now),
      )
      return entry
        ? [`${name} is still allowed by ${by}: run ${command(`deny${option} ${entry.name}`)}`]
        : []
    }),
  )
}
