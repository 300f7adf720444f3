import { createHash } from 'node:crypto'
import { upstreamUrl } from '../config/model-upstream.ts'
import { escapeVariables } from '../engine/compose.ts'
import { summarise } from './additions/added-service.ts'
import { additionsHash } from './additions/additions.ts'
import { identityLabels, renderIdentityLabels } from './identity.ts'
import { type Stack, upstreamOf } from './stack.ts'

export const labels = {
  ...identityLabels,
  mode: 'claude-secure.workspace-mode',
  credentials: 'claude-secure.credentials',
  /** URL of the model's upstream; the audit compares the gateway's with it. */
  upstream: 'claude-secure.upstream',
  protect: 'claude-secure.protect',
  /** Hash of the files under the overlays: a replaced file has lost its overlay. */
  overlays: 'claude-secure.overlays',
  /** The user's own mounts, as JSON: the audit compares the container's mounts with them. */
  mounts: 'claude-secure.mounts',
  additions: 'claude-secure.custom',
  /** The user's services beside the agent, as JSON: the audit compares the containers with them. */
  services: 'claude-secure.services',
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
} as const

/** Renders the labels of each container of a stack, for a compose file. */
export function renderStackLabels(stack: Stack, fingerprint: string): Record<string, string> {
  const { identity, workspace, mode, settings, overlays, repository, additions, parent } = stack
  const escaped = Object.entries(renderIdentityLabels(identity)).map(([name, value]) => [
    name,
    escapeVariables(value),
  ])
  return {
    ...Object.fromEntries(escaped),
    [labels.mode]: workspace.mode,
    [labels.credentials]: mode,
    [labels.upstream]: upstreamUrl(upstreamOf(stack)),
    [labels.protect]: settings.PROTECT,
    [labels.overlays]: hash(JSON.stringify([overlays, repository?.mounts ?? []])),
    ...(additions && {
      [labels.mounts]: escapeVariables(JSON.stringify(additions.declared)),
      [labels.additions]: additionsHash(additions),
    }),
    ...(additions?.services && {
      [labels.services]: escapeVariables(JSON.stringify(additions.services.added.map(summarise))),
    }),
    ...(parent && { [labels.parent]: parent.address }),
    [labels.fingerprint]: fingerprint,
  }
}

function hash(text: string) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
