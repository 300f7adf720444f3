/** The numbers at the start of a version. A distribution's suffix does not change the order. */
export type Version = readonly [major: number, minor: number, patch: number]

/** Parses `26.1.5+dfsg1`, `v2.24.0-desktop.1`, `1.1.5+ds1` or `2.26`; null for anything else. */
export function parseVersion(text: string): Version | null {
  const found = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text.trim())
  if (!found) return null
  return [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)]
}

/** Returns whether `version` is `floor` or newer. */
export function isAtLeast(version: Version, floor: Version): boolean {
  for (const index of [0, 1, 2] as const) {
    if (version[index] !== floor[index]) return version[index] > floor[index]
  }
  return true
}

/** The versions that a machine has; null for a missing part. */
export type MachineVersions = {
  engine: { kind: 'docker' | 'podman'; version: string } | null
  compose: string | null
  buildx: string | null
  runc: Part | null
  containerd: Part | null
  /** Version of Docker Desktop, when the engine is part of it. */
  desktop: string | null
  /** firewalld runs on this host. */
  firewalld?: boolean
}

/** `revision` is the distribution's own version, when the engine reports one. */
export type Part = { version: string; revision: string }
