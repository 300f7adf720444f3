import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { type ComposeProject, escapeVariables } from '../engine/compose.ts'
import type { Overlay } from '../workspace/overlay/overlay.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { accountFiles } from './accounts.ts'
import {
  type Customisation,
  customisationHash,
  customMounts,
  noCustomisation,
} from './additions/customisation.ts'
import type { DeclaredMount } from './additions/declared-mounts.ts'
import { type CredentialFile, type CredentialMode, placeholderVariable } from './credential.ts'
import type { StateFolder } from './state/state-folder.ts'

/** All that decides what a stack looks like. */
export type Stack = {
  workspace: Workspace
  settings: Settings
  mode: CredentialMode
  placeholder: Pick<CredentialFile, 'kind' | 'placeholder'>
  images: { claude: string; gateway: string; proxy: string }
  state: StateFolder
  /** What of the workspace the agent cannot change; empty for a copy. */
  overlays: readonly Overlay[]
  /** What the user adds to the agent's containers. */
  custom?: Customisation
  /** The checkout: compose.yaml, proxy/, claude/. */
  root: string
  /** Major version of the engine: 25 learned start_interval, 28 learned isolated gateways. */
  engineMajor: number
  /** Who runs the gateway: the one who may read the credential's file. */
  gatewayUser: { uid: number; gid: number }
}

export const labels = {
  stack: 'claude-secure.stack',
  workspace: 'claude-secure.workspace',
  mode: 'claude-secure.workspace-mode',
  credentials: 'claude-secure.credentials',
  protect: 'claude-secure.protect',
  /** Which files the overlays are on: a file that was replaced has lost its own. */
  overlays: 'claude-secure.overlays',
  /** What the user mounts besides, as JSON: the audit tells it from what nobody asked for. */
  mounts: 'claude-secure.mounts',
  custom: 'claude-secure.custom',
  /** Hash of everything the stack was started with: a second `start` sees whether it still holds. */
  fingerprint: 'claude-secure.fingerprint',
} as const

/** Values for the `${…}` of compose.yaml. */
export function stackVariables(stack: Stack): Record<string, string> {
  const { settings, images, workspace, gatewayUser } = stack
  const rehearsal = stack.mode === 'rehearsal'
  return {
    CLAUDE_IMAGE: images.claude,
    GATEWAY_IMAGE: images.gateway,
    PROXY_IMAGE: images.proxy,
    HOME_VOLUME: `${workspace.stack}_home-${workspace.agent.uid}`,
    WORKER_HOME_VOLUME: `${workspace.stack}_worker-home-${workspace.agent.uid}`,
    AGENT_USER: `${workspace.agent.uid}:${workspace.agent.gid}`,
    GATEWAY_USER: `${gatewayUser.uid}:${gatewayUser.gid}`,
    AGENT_MEMORY: settings.AGENT_MEMORY,
    AGENT_CPUS: settings.AGENT_CPUS,
    AGENT_PIDS: String(settings.AGENT_PIDS),
    AGENT_DIRECT: stack.mode === 'login' ? '1' : '',
    // The rehearsal model is a neighbour of the gateway, not a name of the internet.
    UPSTREAM_URL: rehearsal ? 'http://rehearsal:8788' : 'https://api.anthropic.com',
    GATEWAY_PROXY_URL: rehearsal ? '' : 'http://egress:3128',
    CREDENTIAL_FILE: stack.state.credential,
    USAGE_FOLDER: stack.state.usage,
    BUDGET_USD_PER_DAY: settings.BUDGET_USD_PER_DAY ?? '',
    PROXY_FOLDER: join(stack.root, 'proxy'),
  }
}

/** Those in which Claude Code runs: sessions in a terminal, and runs of prompts. */
export type AgentService = 'claude' | 'worker'

/** What has to be up for the agents that are wanted. */
export function servicesFor(stack: Stack, agents: readonly AgentService[]): string[] {
  return [...agents, 'gateway', 'proxy', ...(stack.mode === 'rehearsal' ? ['rehearsal'] : [])]
}

/**
 * @param services those that are to come up. Compose makes the volumes of every service of a profile that
 *   it is given; without the list it is given all of them, to take down whatever there is.
 */
export function composeProject(stack: Stack, services?: readonly string[]): ComposeProject {
  return {
    name: stack.workspace.stack,
    root: stack.root,
    override: stack.state.override,
    variables: stackVariables(stack),
    profiles: [
      ...(services === undefined || services.includes('worker') ? ['runs'] : []),
      ...(stack.mode === 'rehearsal' ? ['rehearsal'] : []),
    ],
  }
}

type Mount = {
  type: 'bind' | 'volume'
  source: string
  target: string
  read_only?: boolean
  bind?: { create_host_path: false }
}

/** The second compose file: what compose.yaml cannot say with a variable. */
export function buildStackFile(stack: Stack, fingerprint: string): object {
  const services = servicesFor(stack, ['claude', 'worker'])
  const common = {
    labels: stackLabels(stack, fingerprint),
    // Without it readiness is noticed only after a whole interval. Older engines refuse the key.
    healthcheck: stack.engineMajor >= 25 ? { start_interval: '250ms' } : { interval: '1s' },
  }
  const specific: Record<string, object> = {
    claude: agentService(stack),
    worker: agentService(stack),
    gateway: extraAuthorities(stack),
    proxy: stack.settings.PROXY_DNS ? { dns: [stack.settings.PROXY_DNS] } : {},
  }
  return {
    services: Object.fromEntries(
      services.map(service => [service, { ...common, ...specific[service] }]),
    ),
    networks: networks(stack),
    ...(stack.workspace.mode === 'copy' && { volumes: { workspace: {} } }),
  }
}

function stackLabels(stack: Stack, fingerprint: string) {
  return {
    [labels.stack]: stack.workspace.stack,
    [labels.workspace]: escapeVariables(stack.workspace.path),
    [labels.mode]: stack.workspace.mode,
    [labels.credentials]: stack.mode,
    [labels.protect]: stack.settings.PROTECT,
    [labels.overlays]: identityOf(stack.overlays),
    ...(stack.custom && customLabels(stack.custom)),
    [labels.fingerprint]: fingerprint,
  }
}

function customLabels(custom: Customisation) {
  return {
    [labels.mounts]: escapeVariables(JSON.stringify(custom.declared)),
    [labels.custom]: customisationHash(custom),
  }
}

function identityOf(overlays: readonly Overlay[]) {
  const hash = createHash('sha256').update(JSON.stringify(overlays))
  return hash.digest('hex').slice(0, 16)
}

function agentService(stack: Stack) {
  const { kind, placeholder } = stack.placeholder
  const authorities = extraAuthorities(stack)
  const mounts: Mount[] = [
    workspaceMount(stack.workspace),
    ...stack.overlays.map(overlay => overlayMount(stack.workspace, overlay)),
    ...accountFiles(stack.workspace.agent, stack.state).map(({ source, target }) =>
      fileMount(source, target),
    ),
    ...(authorities.volumes ?? []),
    ...customMounts(stack.state, stack.custom ?? noCustomisation).map(declaredMount),
  ]
  if (stack.mode === 'login') {
    mounts.push(
      // In place of the image's own, which sends Claude Code to the gateway.
      fileMount(
        join(stack.root, 'claude/managed-settings.direct.json'),
        '/etc/claude-code/managed-settings.json',
      ),
    )
  }
  return {
    volumes: mounts,
    environment: {
      ...customEnvironment(stack.custom ?? noCustomisation),
      ...authorities.environment,
      ...(stack.mode === 'login'
        ? { ANTHROPIC_BASE_URL: 'https://api.anthropic.com' }
        : {
            ANTHROPIC_BASE_URL: 'http://gateway:8787',
            // A repository's settings have no say in who is asked and with which credential (threat H4).
            CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: '1',
            [placeholderVariable(kind)]: placeholder,
          }),
    },
    ...(stack.settings.RUNTIME && { runtime: stack.settings.RUNTIME }),
  }
}

function workspaceMount(workspace: Workspace): Mount {
  return workspace.mode === 'copy'
    ? { type: 'volume', source: 'workspace', target: '/workspace' }
    : {
        type: 'bind',
        source: escapeVariables(workspace.path),
        target: '/workspace',
        bind: { create_host_path: false },
      }
}

/** A path of the workspace once more, over itself. */
function overlayMount(workspace: Workspace, { path, writable }: Overlay): Mount {
  return {
    type: 'bind',
    source: escapeVariables(join(workspace.path, path)),
    target: escapeVariables(`/workspace/${path}`),
    ...(!writable && { read_only: true }),
    bind: { create_host_path: false },
  }
}

function declaredMount({ source, target, writable }: DeclaredMount): Mount {
  return {
    type: 'bind',
    source: escapeVariables(source),
    target: escapeVariables(target),
    ...(!writable && { read_only: true }),
    bind: { create_host_path: false },
  }
}

function customEnvironment({ environment }: Customisation) {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, escapeVariables(value)]),
  )
}

function fileMount(source: string, target: string): Mount {
  return {
    type: 'bind',
    source: escapeVariables(source),
    target,
    read_only: true,
    bind: { create_host_path: false },
  }
}

const authoritiesFile = '/etc/claude-secure/extra-ca.pem'

/** EXTRA_CA_CERTS for the two that speak TLS to the outside: the gateway, and the agent's tools. */
function extraAuthorities(stack: Stack): { volumes?: Mount[]; environment?: object } {
  const path = stack.settings.EXTRA_CA_CERTS
  if (!path) return {}
  return {
    volumes: [fileMount(path, authoritiesFile)],
    environment: { NODE_EXTRA_CA_CERTS: authoritiesFile },
  }
}

function networks(stack: Stack) {
  const isolated = {
    driver_opts: {
      'com.docker.network.bridge.gateway_mode_ipv4': 'isolated',
      'com.docker.network.bridge.gateway_mode_ipv6': 'isolated',
    },
  }
  const subnet = stack.settings.EXTERNAL_SUBNET
  return {
    ...(stack.engineMajor >= 28 && {
      'claude-internal': isolated,
      'services-internal': isolated,
    }),
    ...(subnet && { 'proxy-external': { ipam: { config: [{ subnet }] } } }),
  }
}
