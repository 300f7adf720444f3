import { join } from 'node:path'
import { hostsOf } from '../config/git-repositories.ts'
import {
  type ModelUpstream,
  modelUpstream,
  upstreamSites,
  upstreamUrl,
} from '../config/model-upstream.ts'
import type { ParentProxy } from '../config/parent-proxy.ts'
import type { Settings } from '../config/settings.ts'
import { parseUpstreamRanges } from '../egress/private-range.ts'
import type { ComposeProject } from '../engine/compose.ts'
import type { Overlay } from '../workspace/overlay/overlay.ts'
import type { RepositoryPlan } from '../workspace/repository/plan.ts'
import type { OpenedWorkspace } from '../workspace/workspace.ts'
import type { AddedService } from './additions/added-service.ts'
import type { Additions } from './additions/additions.ts'
import type { AuthorityFiles } from './authorities.ts'
import type { CredentialFile, CredentialMode } from './credential.ts'
import type { StackIdentity } from './identity.ts'
import { type AgentService, servicesOf, supportingServices } from './services.ts'
import type { StateFolder } from './state/state-folder.ts'
import type { StackSubnets } from './subnets.ts'

/** Everything that determines how a stack is created. */
export type Stack = {
  identity: StackIdentity
  workspace: OpenedWorkspace
  settings: Settings
  mode: CredentialMode
  placeholder: Pick<CredentialFile, 'kind' | 'placeholder'>
  images: { claude: string; gateway: string; proxy: string }
  state: StateFolder
  /** Paths of the workspace that the agent cannot change; empty for a copy. */
  overlays: readonly Overlay[]
  /** The mounts for git when the repository is not in the workspace. */
  repository?: RepositoryPlan | null
  /** Host paths that such a repository must not hold. */
  forbidden?: readonly string[]
  /** The user's additions to the agent's containers. */
  additions?: Additions
  /** The checkout: compose.yaml, proxy/, claude/. */
  root: string
  /** Major version of the engine: 25 added start_interval, 28 added isolated gateways. */
  engineMajor: number
  /** Default: docker. */
  engineKind?: 'docker' | 'podman'
  /** The gateway's user, which must be able to read the credential's file. */
  gatewayUser: { uid: number; gid: number }
  /** Subnets of its networks, where the engine does not choose them. */
  subnets?: StackSubnets
  /** Maximum bytes of a packet, where Docker's default is too large for the host's way out. */
  mtu?: number
  /** EXTRA_CA_CERTS for every program of the agent. */
  authorities?: AuthorityFiles
  /** How the user calls claude-secure, for messages of the gateway. */
  calledAs?: string
  /** The company's proxy that the stack's proxy sends everything through. */
  parent?: ParentProxy
}

/** Returns the values for the `${…}` of compose.yaml. */
export function stackVariables(stack: Stack): Record<string, string> {
  const { identity, settings, images, workspace, gatewayUser } = stack
  const rehearsal = stack.mode === 'rehearsal'
  return {
    CLAUDE_IMAGE: images.claude,
    GATEWAY_IMAGE: images.gateway,
    PROXY_IMAGE: images.proxy,
    ...homeVolumes(identity, workspace.agent.uid),
    AGENT_USER: `${workspace.agent.uid}:${workspace.agent.gid}`,
    GATEWAY_USER: `${gatewayUser.uid}:${gatewayUser.gid}`,
    AGENT_MEMORY: settings.AGENT_MEMORY,
    AGENT_CPUS: settings.AGENT_CPUS,
    AGENT_PIDS: String(settings.AGENT_PIDS),
    AGENT_SHM: settings.AGENT_SHM,
    AGENT_DIRECT: stack.mode === 'login' ? '1' : '',
    ...upstreamVariables(stack),
    GIT_SITES: rehearsal ? '' : hostsOf(stack.additions?.repositories ?? []).join(' '),
    GATEWAY_PROXY_URL: rehearsal ? '' : 'http://egress:3128',
    CREDENTIAL_FILE: stack.state.credential,
    FILTER_FILE: stack.state.filter,
    USAGE_FOLDER: stack.state.usage,
    BUDGET_USD_PER_DAY: settings.BUDGET_USD_PER_DAY ?? '',
    // Clients must not ask the proxy for a service beside them.
    ADDED_NAMES: addedNames(stack, ','),
    ADDED_HOSTS: addedNames(stack, '|'),
    PROXY_FOLDER: join(stack.root, 'proxy'),
    FOLDER_POLICY: stack.state.policy,
  }
}

/** Returns the variables of a gateway's upstream. */
export function upstreamVariables({ mode, settings }: Pick<Stack, 'mode' | 'settings'>) {
  const none = {
    ...{ UPSTREAM_REGION: '', UPSTREAM_PROJECT: '', UPSTREAM_SITES: '' },
    ...{ UPSTREAM_PRIVATE: '', MODEL_IDS: '' },
  }
  // The rehearsal model is on the gateway's network, not on the internet.
  if (mode === 'rehearsal') {
    return { ...none, UPSTREAM_KIND: 'messages', UPSTREAM_URL: 'http://rehearsal:8788' }
  }
  const upstream = upstreamOf({ mode, settings })
  const cloud = upstream.kind === 'bedrock' || upstream.kind === 'vertex'
  return {
    ...none,
    UPSTREAM_KIND: cloud ? upstream.kind : 'messages',
    UPSTREAM_URL: upstreamUrl(upstream),
    UPSTREAM_SITES: upstreamSites(upstreamUrl(upstream)).join(' '),
    UPSTREAM_PRIVATE: upstreamRanges({ mode, settings }).join(','),
    ...(cloud && { UPSTREAM_REGION: upstream.region, MODEL_IDS: settings.MODEL_IDS ?? '' }),
    ...(upstream.kind === 'vertex' && { UPSTREAM_PROJECT: upstream.project }),
  }
}

/** Returns the service that a stack's gateway sends to; without a credential that is Anthropic's API. */
export function upstreamOf({ mode, settings }: Pick<Stack, 'mode' | 'settings'>): ModelUpstream {
  return mode === 'login' || mode === 'rehearsal' ? { kind: 'anthropic' } : modelUpstream(settings)
}

/** Returns the private networks that the upstream's name may resolve to: those of a company's gateway alone. */
export function upstreamRanges(stack: Pick<Stack, 'mode' | 'settings'>): string[] {
  return upstreamOf(stack).kind === 'company'
    ? parseUpstreamRanges(stack.settings.UPSTREAM_PRIVATE)
    : []
}

function homeVolumes(identity: StackIdentity, uid: number) {
  return Object.fromEntries(
    servicesOf(identity.kind).flatMap(({ home }) =>
      home ? [[home.variable, homeVolume(identity, home.volume, uid)]] : [],
    ),
  )
}

/** Returns the full name of a home volume; each owner of the folder has one. */
export function homeVolume({ name }: StackIdentity, volume: string, uid: number): string {
  return `${name}_${volume}-${uid}`
}

/** Returns the names of the services that must run for `agents` to work. */
export function servicesFor(
  stack: Pick<Stack, 'identity' | 'mode' | 'additions'>,
  agents: readonly AgentService[],
): string[] {
  const { kind } = stack.identity
  const rehearsal =
    stack.mode === 'rehearsal' ? servicesOf(kind).filter(s => s.profile === 'rehearsal') : []
  const added = addedServices(stack)
  return [
    ...agents,
    ...[...supportingServices(kind), ...rehearsal, ...added].map(({ name }) => name),
  ]
}

/** Returns the names of the added services, each after a separator, for lists in compose.yaml. */
function addedNames(stack: Stack, separator: string) {
  return addedServices(stack)
    .map(({ name }) => `${separator}${name}`)
    .join('')
}

/** Returns the user's services beside the agent. */
export function addedServices({ additions }: Pick<Stack, 'additions'>): readonly AddedService[] {
  return additions?.services?.added ?? []
}

/**
 * @param services services to start. Compose creates the volumes of every service in the given profiles;
 *   without this list it gets all profiles, to take down every service.
 */
export function composeProject(stack: Stack, services?: readonly string[]): ComposeProject {
  const profiles = servicesOf(stack.identity.kind)
    .filter(({ name }) => services === undefined || services.includes(name))
    .flatMap(({ profile }) => (profile === null || profile === 'rehearsal' ? [] : [profile]))
  return {
    name: stack.identity.name,
    root: stack.root,
    override: stack.state.override,
    variables: { ...stackVariables(stack), CALLED_AS: stack.calledAs ?? '' },
    profiles: [...new Set(profiles), ...(stack.mode === 'rehearsal' ? ['rehearsal'] : [])],
  }
}
