import { isAtLeast, parseVersion, type Version } from '../engine/find-engine.ts'

export type Component = 'engine' | 'runc' | 'containerd' | 'buildkit' | 'compose' | 'desktop'

export type KnownCve = {
  id: string
  component: Component
  /** The effect, as a phrase after "lets". */
  allows: string
  /** First fixed release of each release line that got a fix, oldest first. */
  fixed: readonly Version[]
  /** First affected release, if not all releases before the fix are affected. */
  introduced?: Version
  /** Pre-releases of a fixed release without the fix. */
  unfixed?: RegExp
  /** Revisions of distributions with the fix in an older release. */
  backports?: readonly RegExp[]
  /** `refuse`: no stack starts. `warn`: an escape, or a step of one. `note`: see `mitigation`. */
  response: 'refuse' | 'warn' | 'note'
  /** Why it does not affect a stack of claude-secure. */
  mitigation?: string
  /** Affects only machines that run this. */
  only?: 'firewalld'
}

const runcEscapes2025 = {
  component: 'runc',
  fixed: [
    [1, 2, 8],
    [1, 3, 3],
    [1, 4, 0],
  ],
  unfixed: /^v?1\.4\.0-rc\.[12]\b/,
  response: 'warn',
} as const

const buildkitEscapes = {
  component: 'buildkit',
  // Judged by the engine that contains it: 24.0.9 was released without these fixes.
  fixed: [[25, 0, 2]],
  response: 'note',
  mitigation: 'only Dockerfiles of this checkout are built',
} as const

const debian12Containerd = /^1\.6\.20~ds1-1\+deb12u([2-9]|\d\d)/
const debian13Containerd = /^1\.7\.24~ds1-6/

/**
 * Vulnerabilities of the programs that a stack depends on, from their vendors' advisories. BuildKit
 * is judged by the version of the engine. The list has only vulnerabilities that were looked up.
 */
export const knownCves: readonly KnownCve[] = [
  {
    id: 'CVE-2024-29018',
    component: 'engine',
    allows: 'a container on an internal network query the DNS of the internet',
    // 24 never got a fix.
    fixed: [
      [23, 0, 11],
      [25, 0, 5],
      [26, 0, 0],
    ],
    response: 'refuse',
  },
  {
    id: 'CVE-2025-54410',
    component: 'engine',
    allows: 'containers of other networks reach the proxy after firewalld was reloaded',
    fixed: [
      [25, 0, 13],
      [28, 0, 0],
    ],
    response: 'warn',
    only: 'firewalld',
  },
  {
    id: 'CVE-2026-41567',
    component: 'engine',
    allows: 'an image run its program as root when a compressed archive is copied into a container',
    fixed: [[29, 5, 1]],
    response: 'note',
    mitigation: 'nothing is copied that way',
  },
  {
    id: 'CVE-2024-21626',
    component: 'runc',
    allows: 'a working directory lead out of the container',
    fixed: [[1, 1, 12]],
    backports: [/^1\.1\.5\+ds1-1\+deb12u[1-9]/],
    response: 'warn',
  },
  {
    ...runcEscapes2025,
    id: 'CVE-2025-31133',
    allows: 'a replaced /dev/null unmask files of /proc',
  },
  {
    ...runcEscapes2025,
    id: 'CVE-2025-52565',
    allows: 'a replaced /dev/pts entry unmask files of /proc',
  },
  {
    ...runcEscapes2025,
    id: 'CVE-2025-52881',
    allows: 'a container redirect writes of runc to other files of /proc',
  },
  {
    id: 'CVE-2024-40635',
    component: 'containerd',
    allows: 'a user id of more than 31 bits become root',
    fixed: [
      [1, 6, 38],
      [1, 7, 27],
      [2, 0, 4],
    ],
    backports: [debian12Containerd, debian13Containerd],
    response: 'note',
    mitigation: 'the user ids are those of your files',
  },
  {
    id: 'CVE-2024-25621',
    component: 'containerd',
    allows: 'other users of this host read its folders',
    fixed: [
      [1, 7, 29],
      [2, 0, 7],
      [2, 1, 5],
      [2, 2, 0],
    ],
    backports: [debian12Containerd, /^1\.7\.24~ds1-6\+deb13u/],
    response: 'note',
    mitigation: 'the agent is not a user of this host',
  },
  {
    ...buildkitEscapes,
    id: 'CVE-2024-23651',
    allows: 'a build read files of the host',
  },
  {
    ...buildkitEscapes,
    id: 'CVE-2024-23652',
    allows: 'a build delete files of the host',
  },
  {
    ...buildkitEscapes,
    id: 'CVE-2024-23653',
    allows: 'a build run a container with privileges',
  },
  {
    id: 'CVE-2025-62725',
    component: 'compose',
    allows: 'a compose file of a registry write files of the host',
    introduced: [2, 34, 0],
    fixed: [[2, 40, 2]],
    response: 'note',
    mitigation: 'only compose files of this machine are used',
  },
  {
    id: 'CVE-2025-9074',
    component: 'desktop',
    allows: 'a container command the engine without its socket',
    fixed: [[4, 44, 3]],
    response: 'warn',
  },
]

/**
 * Returns the vulnerabilities of a program's version. `revision` is the distribution's own version.
 */
export function openCves(
  component: Component,
  program: { version: string; revision?: string },
  circumstances: { firewalld?: boolean } = {},
): KnownCve[] {
  const version = parseVersion(program.version)
  return knownCves.filter(cve => {
    if (cve.component !== component) return false
    if (cve.only && !circumstances[cve.only]) return false
    if (cve.backports?.some(pattern => pattern.test(program.revision ?? ''))) return false
    if (!version || cve.unfixed?.test(program.version)) return true
    if (cve.introduced && !isAtLeast(version, cve.introduced)) return false
    return !isInFixedLine(version, cve.fixed)
  })
}

/**
 * Returns whether a release has a fix that was made in several lines: it is at or above the floor
 * of its own line, or its line is newer than all lines with a floor.
 */
function isInFixedLine(version: Version, floors: readonly Version[]) {
  const newest = floors.at(-1)
  if (newest && isAtLeast(version, newest)) return true
  // The numbers in which the floors differ identify a line: the major one, or major and minor.
  const width = new Set(floors.map(([major]) => major)).size === floors.length ? 1 : 2
  return floors.some(
    floor =>
      floor.slice(0, width).every((number, index) => version[index] === number) &&
      isAtLeast(version, floor),
  )
}
