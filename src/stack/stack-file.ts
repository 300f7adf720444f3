import { join } from 'node:path'
import { parentFolder } from '../egress/parent-conf.ts'
import { type BindMount, escapeVariables, readOnlyMount } from '../engine/compose.ts'
import { alsoNames, closedPaths, type Overlay } from '../workspace/overlay/overlay.ts'
import type { OpenedWorkspace } from '../workspace/workspace.ts'
import { accountFiles, resolverFiles } from './accounts.ts'
import {
  type AddedService,
  renderAddedService,
  serviceVolume,
  splitVolume,
} from './additions/added-service.ts'
import { type Additions, additionMounts, noAdditions } from './additions/additions.ts'
import type { DeclaredMount } from './additions/declared-mounts.ts'
import { type CredentialMode, placeholderVariable } from './credential.ts'
import { agentAuthorities, serviceAuthorities } from './render-authorities.ts'
import { renderStackLabels } from './render-labels.ts'
import { renderNetworks } from './render-networks.ts'
import { repositoryMounts } from './repository.ts'
import { agentServices, type Service, servicesOf } from './services.ts'
import { addedServices, type Stack, servicesFor } from './stack.ts'
import { meterKeyTarget } from './state/meter-key.ts'
import { stackNetworks } from './subnets.ts'

type Mount = BindMount | { type: 'volume'; source: string; target: string }

type Common = { labels: object; healthcheck: object }

/** Builds the second compose file: everything that compose.yaml cannot express with a variable. */
export function buildStackFile(stack: Stack, fingerprint: string): object {
  const common = {
    labels: renderStackLabels(stack, fingerprint),
    // Otherwise readiness is detected only after a full interval. Older engines reject the key.
    healthcheck: stack.engineMajor >= 25 ? { start_interval: '250ms' } : { interval: '1s' },
  }
  const names = servicesFor(stack, agentServices)
  const present = servicesOf(stack.identity.kind).filter(({ name }) => names.includes(name))
  return {
    services: Object.fromEntries([
      ...present.map(service => [service.name, { ...common, ...specificTo(service, stack) }]),
      ...addedServices(stack).map(service => [service.name, addedService(service, stack, common)]),
    ]),
    networks: renderNetworks(stack, stackNetworks),
    volumes: Object.fromEntries(neededVolumeKeys(stack).map(key => [key, {}])),
  }
}

/** Volumes that compose.yaml does not declare. */
function neededVolumeKeys(stack: Stack): string[] {
  const data = addedServices(stack).flatMap(({ name, definition }) =>
    definition.volumes.map(volume => serviceVolume(name, splitVolume(volume).volume)),
  )
  return [...(stack.workspace.mode === 'copy' ? ['workspace'] : []), ...new Set(data)]
}

function addedService(service: AddedService, { additions, state }: Stack, common: Common): object {
  if (!additions?.services) throw new Error('a service has no hardening')
  const rendered = renderAddedService(service, additions.services.hardening, state.filter)
  return { ...rendered, ...common, healthcheck: { ...rendered.healthcheck, ...common.healthcheck } }
}

function specificTo(service: Service, stack: Stack): object {
  if (service.agent !== null) return agentService(service, stack)
  return {
    ...(service.needsAuthorities && serviceAuthorities(stack)),
    ...(service.networks.includes('proxy-external') && wayOut(stack)),
  }
}

/** The user of the gateway; in a server stack it is the server's. */
type Users = Pick<Stack, 'gatewayUser'> | { user: Stack['gatewayUser'] }

/** The proxy's resolver and its way to the parent proxy, whose password only its own user can read. */
export function wayOut({
  settings,
  parent,
  state,
  ...users
}: Pick<Stack, 'settings' | 'parent' | 'state'> & Users) {
  const { uid, gid } = 'gatewayUser' in users ? users.gatewayUser : users.user
  const user = `${uid}:${gid}`
  return {
    ...(settings.PROXY_DNS && { dns: [settings.PROXY_DNS] }),
    ...(parent && { user, volumes: [readOnlyMount(state.parent, parentFolder)] }),
  }
}

const cloudModes: readonly string[] = ['bedrock', 'vertex'] satisfies CredentialMode[]

function agentService({ agent }: Service, stack: Stack) {
  const { kind, placeholder } = stack.placeholder
  const authorities = agentAuthorities(stack)
  const mounts: Mount[] = [
    workspaceMount(stack.workspace),
    ...workspaceMounts(stack),
    ...[
      ...accountFiles(stack.workspace.agent, stack.state),
      ...resolverFiles(stack.engineKind ?? 'docker', stack.state),
    ].map(({ source, target }) => readOnlyMount(source, target)),
    ...(authorities.volumes ?? []),
    ...additionMounts(stack.state, stack.additions ?? noAdditions).map(declaredMount),
  ]
  if (stack.mode === 'login') {
    mounts.push(
      // Replaces the image's own file, which sends Claude Code to the gateway.
      readOnlyMount(
        join(stack.root, 'claude/managed-settings.direct.json'),
        '/etc/claude-code/managed-settings.json',
      ),
    )
  }
  // A session in a terminal has no key: it would name runs.
  const signs = agent === 'runs' && stack.mode !== 'login'
  if (signs) mounts.push(readOnlyMount(stack.state.meterKey, meterKeyTarget))
  return {
    volumes: mounts,
    environment: {
      ...addedEnvironment(stack.additions ?? noAdditions),
      ...authorities.environment,
      ...gitFront(stack),
      // A copy alone: states of turns are objects in the repository.
      ...(stack.identity.kind === 'session' && { CLAUDE_SECURE_TURNS: '1' }),
      ...(stack.mode === 'login'
        ? { ANTHROPIC_BASE_URL: 'https://api.anthropic.com' }
        : {
            ANTHROPIC_BASE_URL: 'http://gateway:8787',
            // A repository's settings must not choose the API provider or the credential (threat H4).
            CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: '1',
            // Bedrock and Vertex AI refuse beta features and fields that they do not know.
            ...(cloudModes.includes(stack.mode) && {
              CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: '1',
            }),
            [placeholderVariable(kind)]: placeholder,
          }),
      ...(signs && { RUNNER_METER_KEY_FILE: meterKeyTarget }),
    },
    ...(stack.settings.RUNTIME && { runtime: stack.settings.RUNTIME }),
  }
}

function workspaceMount(workspace: OpenedWorkspace): Mount {
  return workspace.mode === 'copy'
    ? { type: 'volume', source: 'workspace', target: '/workspace' }
    : {
        type: 'bind',
        source: escapeVariables(workspace.path),
        target: '/workspace',
        bind: { create_host_path: false },
      }
}

/** Returns the overlays, and the repository: its file `.git` takes the place of the overlay. */
function workspaceMounts({ workspace, overlays, repository, state }: Stack): Mount[] {
  const elsewhere = repository ? repositoryMounts(repository, state) : []
  const targets = new Set(elsewhere.map(({ target }) => target))
  return [
    ...overlays
      .filter(({ path }) => !targets.has(`/workspace/${path}`))
      .map(overlay => overlayMount(workspace, overlay)),
    ...elsewhere.map(declaredMount),
  ]
}

/** Mounts a path of the workspace again, over itself. */
function overlayMount(workspace: OpenedWorkspace, { path, writable }: Overlay): Mount {
  const source = join(workspace.path, path)
  return declaredMount({ source, target: `/workspace/${path}`, writable })
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

/** Names to git's front in the image the paths that git must not try to change. */
function gitFront({ workspace, overlays, settings }: Stack) {
  const paths = workspace.mode === 'copy' ? [] : closedPaths(overlays, settings)
  const also = alsoNames(settings)
  return paths.length === 0
    ? {}
    : {
        CLAUDE_SECURE_PROTECTED: escapeVariables(JSON.stringify(paths)),
        ...(also.length > 0 && {
          CLAUDE_SECURE_PROTECT_ALSO: escapeVariables(JSON.stringify(also)),
        }),
      }
}

function addedEnvironment({ environment }: Additions) {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, escapeVariables(value)]),
  )
}
