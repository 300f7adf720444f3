import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { definitions } from './policy.ts'

/** Networks that a grant may open. Loopback, link-local and the like stay closed: they hold the proxy and metadata. */
const grantable = [
  { base: '10.0.0.0', length: 8 },
  { base: '172.16.0.0', length: 12 },
  { base: '192.168.0.0', length: 16 },
  { base: '100.64.0.0', length: 10 },
]

/** The metadata service of a cloud within 100.64.0.0/10. */
const metadata = '100.100.100.200'

/** Returns whether the proxy refuses the address of an allowed name. */
export function isPrivateAddress(address: string): boolean {
  return closedNetworks().check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/**
 * Returns the acl `private` of squid.conf. Built on demand: the first IPv6 address compiles a pattern that
 * takes 5 ms, and every command that reads grants loads this file.
 */
function closedNetworks(): BlockList {
  const closed = new BlockList()
  for (const rule of definitions) {
    if (!rule.startsWith('acl private dst ')) continue
    for (const network of rule.split(' ').slice(3)) {
      const [base = '', length = ''] = network.split('/')
      closed.addSubnet(base, Number(length), isIPv6(base) ? 'ipv6' : 'ipv4')
    }
  }
  return closed
}

/** Returns whether a grant can open the address. */
export function isGrantableAddress(address: string): boolean {
  return isIPv4(address) && isGrantableRange(`${address}/32`)
}

/** Returns whether an IPv4 address is in a range such as `10.2.0.0/16`. */
export function isInRange(range: string, address: string): boolean {
  const [base = '', length = ''] = range.split('/')
  return isIPv4(address) && network(address, Number(length)) === network(base, Number(length))
}

/** Returns whether a text is a network that a grant can open, in its one form; as proxy/grants decides. */
export function isGrantableRange(text: string): boolean {
  const [, base = '', digits = ''] = /^(\d{1,3}(?:\.\d{1,3}){3})\/([1-9]\d?)$/.exec(text) ?? []
  const length = Number(digits)
  if (!isIPv4(base) || length < 8 || length > 32) return false
  if (network(base, length) !== number(base)) return false
  if (isInRange(text, metadata)) return false
  return grantable.some(wide => length >= wide.length && isInRange(wideText(wide), base))
}

/** Returns the private networks of `UPSTREAM_PRIVATE`; throws for one that the proxy would refuse. */
export function parseUpstreamRanges(text: string | undefined): string[] {
  return text ? text.split(',').map(range => parseRange(range, 'UPSTREAM_PRIVATE')) : []
}

/** Parses the argument of `--private`, or a network of the setting `name`. */
export function parseRange(text: string, name = '--private'): string {
  const typed = text.trim()
  const range = isIPv4(typed) ? `${typed}/32` : typed
  if (isGrantableRange(range)) return range
  const usage = name === '--private' ? { exitCode: 2 as const } : {}
  const shown = terminalLine(typed, 60)
  const [base = '', length = ''] = range.split('/')
  const network_ = isIPv4(base) && /^\d+$/.test(length) ? networkText(base, Number(length)) : null
  if (network_ && network_ !== range && isGrantableRange(network_)) {
    throw new UserError(`${name} ${shown} is not the beginning of a network`, {
      hint: `use ${name === '--private' ? `${name} ` : ''}${network_}`,
      ...usage,
    })
  }
  throw new UserError(`${name} ${shown} is not a private IPv4 network that a grant can open`, {
    hint: `use a network within ${grantable.map(wideText).join(', ')}, for example 10.2.0.0/16`,
    ...usage,
  })
}

function wideText({ base, length }: { base: string; length: number }) {
  return `${base}/${length}`
}

function networkText(base: string, length: number) {
  if (length < 1 || length > 32) return null
  const value = network(base, length)
  return `${[24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.')}/${length}`
}

/** The first address of the network, as a number. */
function network(address: string, length: number) {
  const size = 2 ** (32 - length)
  return Math.floor(number(address) / size) * size
}

function number(address: string) {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}
