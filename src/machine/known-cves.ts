import { isAtLeast, parseVersion, type Version } from '../engine/version.ts'

export type Component = 'engine' | 'runc' | 'containerd' | 'buildkit' | 'compose' | 'desktop'

export type KnownCve = {
  id: string
  component: Component
  /** What it lets somebody do, to be read after "lets". */
  allows: string
  /** The first fixed release of each line of releases that got a fix, oldest first. */
  fixed: readonly Version[]
  /** First release that has the fault, where not all before the fix have. */
  introduced?: Version
  /** Previews of a fixed release that were made before the fix. */
  unfixed?: RegExp
  /** Revisions of distributions that have the fix in an older release. */
  backports?: readonly RegExp[]
  /** `refuse`: no stack starts. `warn`: a way out, or a step of one. `note`: see `beside`. */
  bearing: 'refuse' | 'warn' | 'note'
  /** Why a stack of claude-secure does not meet it. */
  beside?: string
  /** The fault is there only where this runs. */
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
  bearing: 'warn',
} as const

const buildkitEscapes = {
  component: 'buildkit',
  // Told by the engine it is part of: 24.0.9 was released without these fixes.
  fixed: [[25, 0, 2]],
  bearing: 'note',
  beside: 'only Dockerfiles of this checkout are built',
} as const

const debian12Containerd = /^1\.6\.20~ds1-1\+deb12u([2-9]|\d\d)/
const debian13Containerd = /^1\.7\.24~ds1-6/

/**
 * Faults of the programs a stack rests on, from their makers' advisories. BuildKit is judged by the
 * version of the engine. An entry is one that was looked up: not every fault there is.
 */
export const knownCves: readonly KnownCve[] = [
  {
    id: 'CVE-2024-29018',
    component: 'engine',
    allows: 'a container on an internal network ask the DNS of the internet',
    // 24 never got one.
    fixed: [
      [23, 0, 11],
      [25, 0, 5],
      [26, 0, 0],
    ],
    bearing: 'refuse',
  },
  {
    id: 'CVE-2025-54410',
    component: 'engine',
    allows: 'containers of other networks reach the proxy after firewalld was reloaded',
    fixed: [
      [25, 0, 13],
      [28, 0, 0],
    ],
    bearing: 'warn',
    only: 'firewalld',
  },
  {
    id: 'CVE-2026-41567',
    component: 'engine',
    allows: 'an image run its program as root when a compressed archive is copied into a container',
    fixed: [[29, 5, 1]],
    bearing: 'note',
    beside: 'nothing is copied that way',
  },
  {
    id: 'CVE-2024-21626',
    component: 'runc',
    allows: 'a working directory lead out of the container',
    fixed: [[1, 1, 12]],
    backports: [/^1\.1\.5\+ds1-1\+deb12u[1-9]/],
    bearing: 'warn',
  },
  {
    ...runcEscapes2025,
    id: 'CVE-2025-31133',
    allows: 'a replaced /dev/null open what is masked in /proc',
  },
  {
    ...runcEscapes2025,
    id: 'CVE-2025-52565',
    allows: 'a replaced /dev/pts entry open what is masked in /proc',
  },
  {
    ...runcEscapes2025,
    id: 'CVE-2025-52881',
    allows: 'writes of runc be sent to other files of /proc',
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
    bearing: 'note',
    beside: 'the user ids are those of your files',
  },
  {
    id: 'CVE-2024-25621',
    component: 'containerd',
    allows: 'other users of this host look into its folders',
    fixed: [
      [1, 7, 29],
      [2, 0, 7],
      [2, 1, 5],
      [2, 2, 0],
    ],
    backports: [debian12Containerd, /^1\.7\.24~ds1-6\+deb13u/],
    bearing: 'note',
    beside: 'the agent is no user of this host',
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
    bearing: 'note',
    beside: 'only compose files of this machine are used',
  },
  {
    id: 'CVE-2025-9074',
    component: 'desktop',
    allows: 'a container command the engine without its socket',
    fixed: [[4, 44, 3]],
    bearing: 'warn',
  },
]

/** The faults that a program of this version has. `revision` is the distribution's own version. */
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
 * Whether the release has a fix that was made in several lines: it is at or above the floor of its own
 * line, or of a newer line than all that have one.
 */
function isInFixedLine(version: Version, floors: readonly Version[]) {
  const newest = floors.at(-1)
  if (newest && isAtLeast(version, newest)) return true
  // Lines are told by the numbers that the floors differ in: the major one, or major and minor.
  const width = new Set(floors.map(([major]) => major)).size === floors.length ? 1 : 2
  return floors.some(
    floor =>
      floor.slice(0, width).every((number, index) => version[index] === number) &&
      isAtLeast(version, floor),
  )
}
