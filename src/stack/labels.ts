import { identityLabels } from './identity.ts'

export const labels = {
  ...identityLabels,
  mode: 'claude-secure.workspace-mode',
  credentials: 'claude-secure.credentials',
  /** URL of the model's upstream; the audit compares the gateway's with it. */
  upstream: 'claude-secure.upstream',
  /** Private networks that the upstream's name may resolve to, separated by commas. */
  upstreamPrivate: 'claude-secure.upstream-private',
  /** The user that owns the sessions' terminals. */
  keeper: 'claude-secure.keeper',
  protect: 'claude-secure.protect',
  protectAlso: 'claude-secure.protect-also',
  /** Hash of the files under the overlays: a replaced file has lost its overlay. */
  overlays: 'claude-secure.overlays',
  /** The user's own mounts, as JSON: the audit compares the container's mounts with them. */
  mounts: 'claude-secure.mounts',
  additions: 'claude-secure.custom',
  /** The user's services beside the agent, as JSON: the audit compares the containers with them. */
  services: 'claude-secure.services',
  /** Names of a server's tenants, separated by commas; on the services that meet them all. */
  tenants: 'claude-secure.tenants',
  /** Address of the parent proxy, without user and password. */
  parent: 'claude-secure.parent',
  /** Hash of everything the stack was started with: the next `start` compares it. */
  fingerprint: 'claude-secure.fingerprint',
} as const

/** The labels by which Compose finds the parts of a project again. */
export const composeLabels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  volume: 'com.docker.compose.volume',
  /** Folder with the project's files. */
  folder: 'com.docker.compose.project.working_dir',
} as const
