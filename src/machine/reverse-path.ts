import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Whether the kernel drops what arrives on an interface from an address that it has no route back to; null
 * for an interface that this process does not see, as those of an engine on another machine.
 */
export type ReversePath = boolean | null

/** One folder for each interface, with the values for all and for new ones beside them. */
const kernelFolder = '/proc/sys/net/ipv4/conf'

export function readReversePath(name: string, folder = kernelFolder): Promise<ReversePath> {
  // 1 and 2 both drop where the host has no address (measured).
  return isOn(folder, name, 'rp_filter')
}

/** Turns the filter on, and the answers to ARP off. Changes nothing without the right to. */
export async function turnOnReversePath(name: string, folder = kernelFolder): Promise<void> {
  await writeFile(join(folder, name, 'rp_filter'), '1', { flag: 'r+' }).catch(() => {})
  await writeFile(join(folder, name, 'arp_ignore'), '8', { flag: 'r+' }).catch(() => {})
}

/** Returns whether interfaces have the filter from their beginning, and so after a reboot too. */
export function readDefaultReversePath(folder = kernelFolder): Promise<ReversePath> {
  return readReversePath('default', folder)
}

/** Returns whether new interfaces answer ARP for the addresses of others, the kernel's default. */
export async function answersArpByDefault(folder = kernelFolder): Promise<boolean> {
  return (await isOn(folder, 'default', 'arp_ignore')) === false
}

/** Returns the identifier of the present boot of this kernel; null where it has none. */
export async function readBoot(file = '/proc/sys/kernel/random/boot_id'): Promise<string | null> {
  const text = (await readFile(file, 'utf8').catch(() => '')).trim()
  return /^[0-9a-f-]{36}$/.test(text) ? text : null
}

/** The kernel applies the greater of an interface's own value and that of all. */
async function isOn(folder: string, name: string, value: string): Promise<boolean | null> {
  const [own, all] = await Promise.all([read(folder, name, value), read(folder, 'all', value)])
  return own === null ? null : Math.max(own, all ?? 0) > 0
}

async function read(folder: string, name: string, value: string): Promise<number | null> {
  const text = await readFile(join(folder, name, value), 'utf8').catch(() => null)
  // Anything else than a positive number is off.
  return text === null ? null : Number(text.trim()) || 0
}
