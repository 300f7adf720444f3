/** What a machine has; null for what it lacks. */
export type MachineVersions = {
  engine: { kind: 'docker' | 'podman'; version: string } | null
  compose: string | null
  buildx: string | null
  runc: Part | null
  containerd: Part | null
  /** Version of Docker Desktop, where the engine is in one. */
  desktop: string | null
  /** firewalld runs on this host. */
  firewalld?: boolean
}

/** `revision` is the distribution's own version, where the engine reports one. */
export type Part = { version: string; revision: string }
