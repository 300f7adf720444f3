import { stat, statfs } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import { command } from '../base/command.ts'
import type { Engine } from '../engine/engine.ts'
import { type AddressPool, countSubnets } from '../stack/subnets.ts'
import { type Check, ok, warning } from './diagnosis.ts'

/** A folder that grows, with the free space of its filesystem. */
export type Space = {
  what: string
  folder: string
  free: number
  /** Share of inodes that is free; 1 where the filesystem does not count them. */
  inodes: number
  device: number
}

/** Bytes that each purpose needs: a build of all images, the files of a stack. */
const needed: Record<string, number> = { images: 5e9, stacks: 2e8, downloads: 1e9 }

export async function readSpace(what: string, folder: string): Promise<Space> {
  const there = await nearest(folder)
  const [{ bavail, bsize, files, ffree }, { dev }] = await Promise.all([statfs(there), stat(there)])
  const inodes = files > 0 ? ffree / files : 1
  return { what, folder, free: bavail * bsize, inodes, device: dev }
}

/** Returns the closest existing parent: folders are created when first needed. */
async function nearest(folder: string): Promise<string> {
  const there = await stat(folder).catch(() => null)
  return there || folder === dirname(folder) ? folder : nearest(dirname(folder))
}

/** Returns one finding for each filesystem, starting with that of the images. */
export function judgeDisk(spaces: readonly Space[]): Check[] {
  const devices = [...new Set(spaces.map(({ device }) => device))]
  return devices.map(device => {
    const here = spaces.filter(space => space.device === device)
    const [first] = here
    const name = here.map(({ what }) => what).join(', ')
    const message = `${((first?.free ?? 0) / 1e9).toFixed(1)} GB free for ${name} (${first?.folder})`
    const wanted = Math.max(...here.map(({ what }) => needed[what] ?? 0))
    if ((first?.inodes ?? 1) < 0.02) {
      return warning('disk', `${message}, but almost no free inodes`, 'remove files from that disk')
    }
    return (first?.free ?? 0) < wanted
      ? warning(
          'disk',
          message,
          `free ${wanted / 1e9} GB: run ${command('doctor --fix')} to remove old images, or docker system df to see what uses space`,
        )
      : ok('disk', message)
  })
}

/** Number of networks of a stack. */
const perStack = 3

/** Judges for how many more stacks the engine has subnets. */
export function judgeSubnets({ all, free }: { all: number; free: number }): Check[] {
  const stacks = Math.floor(free / perStack)
  const message = `${free} of the engine's ${all} subnets ${free === 1 ? 'is' : 'are'} free; a stack needs ${perStack}`
  if (stacks > 1) return [ok('subnets', message)]
  return [
    warning(
      'subnets',
      message,
      `stop a stack (${command('list')}, ${command('stop ID')}), or add default-address-pools to daemon.json (docs/troubleshooting.md)`,
    ),
  ]
}

/** Counts the subnets, including those of other programs' networks and of the host's addresses. */
export async function readSubnets(engine: Engine, pools: readonly AddressPool[] | null) {
  const networks = await engine.networks([])
  const ofNetworks = networks.flatMap(({ IPAM }) =>
    (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []),
  )
  const ofHost = Object.values(networkInterfaces()).flatMap(addresses =>
    (addresses ?? []).flatMap(({ cidr }) => cidr ?? []),
  )
  return countSubnets(pools, [...ofNetworks, ...ofHost])
}
