import { createHash } from 'node:crypto'
import { upstreamUrl } from '../config/model-upstream.ts'
import { escapeVariables } from '../engine/compose.ts'
import { summarise } from './additions/added-service.ts'
import { additionsHash } from './additions/additions.ts'
import { renderIdentityLabels, type StackIdentity } from './identity.ts'
import { keeperUser } from './keeper.ts'
import { labels } from './labels.ts'
import { type Stack, upstreamOf, upstreamRanges } from './stack.ts'

/** Renders the labels of each container of a stack, for a compose file. */
export function renderStackLabels(stack: Stack, fingerprint: string): Record<string, string> {
  const { identity, workspace, mode, settings, overlays, repository, additions, parent } = stack
  const ranges = upstreamRanges(stack)
  return {
    ...renderNetworkLabels(identity),
    [labels.mode]: workspace.mode,
    [labels.credentials]: mode,
    [labels.upstream]: upstreamUrl(upstreamOf(stack)),
    ...(ranges.length > 0 && { [labels.upstreamPrivate]: ranges.join(',') }),
    [labels.keeper]: keeperUser(workspace.agent),
    [labels.protect]: settings.PROTECT,
    ...(settings.PROTECT_ALSO && { [labels.protectAlso]: escapeVariables(settings.PROTECT_ALSO) }),
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

/** Renders the labels of each network of a stack, for a compose file. */
export function renderNetworkLabels(identity: StackIdentity): Record<string, string> {
  const escaped = Object.entries(renderIdentityLabels(identity)).map(([name, value]) => [
    name,
    escapeVariables(value),
  ])
  return Object.fromEntries(escaped)
}

function hash(text: string) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
