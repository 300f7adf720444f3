import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { ContainerSummary, Engine } from '../engine/engine.ts'
import type { EngineAddress } from '../engine/engine-request.ts'
import { parseIdentityLabels, type StackIdentity, stackId } from './identity.ts'
import { parseKeeper } from './keeper.ts'
import { composeLabels, labels } from './labels.ts'
import {
  isAdded,
  isAgent,
  isOnItsNetworks,
  serverNetworks,
  supportingServices,
  tenantOf,
} from './services.ts'

export type ServiceState = {
  name: string
  container: string
  image: string
  state: 'created' | 'running' | 'restarting' | 'exited' | 'other'
  health: 'healthy' | 'unhealthy' | 'starting' | 'none'
  /** The engine's status text, such as "Up 3 minutes (healthy)". */
  status: string
  /** True when it is on every network of its service; no other field shows a missing one. */
  connected: boolean
}

export type StackState = {
  /** Compose project. */
  stack: string
  /** Null where the labels of its containers are not complete. */
  identity: StackIdentity | null
  workspace: string
  workspaceMode: string
  credentials: string
  /** URL of the model's upstream; empty for a stack of an earlier version. */
  upstream: string
  /** Private networks that the upstream's name may resolve to, separated by commas. */
  upstreamPrivate: string
  /** The user that owns its sessions' terminals; null for a stack of a version without one. */
  keeper: string | null
  /** Value of PROTECT at its start. */
  protect: string
  /** Value of PROTECT_ALSO at its start. */
  protectAlso: string
  /** Address of the parent proxy, or null without one. */
  parent: string | null
  fingerprint: string
  /** Creation time of its first container, in seconds since 1970. */
  created: number
  services: ServiceState[]
}

/** The container in which a stack's agent runs, and its engine. */
export type RunningAgent = {
  address: EngineAddress
  container: string
  /** The user that owns the sessions' terminals; null for a stack of a version without one. */
  keeper: string | null
}

/** Returns the engine's state of one stack, or null when it has none. */
export async function inspectStack(
  engine: Pick<Engine, 'containers'>,
  stack: string,
): Promise<StackState | null> {
  return groupStacks(await engine.containers([`${labels.stack}=${stack}`]))[0] ?? null
}

/** Returns the state of every stack of this engine. */
export async function inspectStacks(engine: Pick<Engine, 'containers'>): Promise<StackState[]> {
  return groupStacks(await engine.containers([labels.stack]))
}

function groupStacks(containers: readonly ContainerSummary[]): StackState[] {
  const stacks = new Map<string, StackState>()
  for (const container of containers) {
    const name = container.Labels[labels.stack] ?? ''
    const stack = stacks.get(name) ?? {
      stack: name,
      identity: parseIdentityLabels(container.Labels),
      workspace: container.Labels[labels.workspace] ?? '',
      workspaceMode: container.Labels[labels.mode] ?? '',
      credentials: container.Labels[labels.credentials] ?? '',
      upstream: container.Labels[labels.upstream] ?? '',
      upstreamPrivate: container.Labels[labels.upstreamPrivate] ?? '',
      keeper: parseKeeper(container.Labels[labels.keeper]),
      protect: container.Labels[labels.protect] ?? '',
      protectAlso: container.Labels[labels.protectAlso] ?? '',
      parent: container.Labels[labels.parent] ?? null,
      fingerprint: container.Labels[labels.fingerprint] ?? '',
      created: container.Created,
      services: [],
    }
    stack.created = Math.min(stack.created, container.Created)
    stack.services.push(serviceState(container))
    stacks.set(name, stack)
  }
  for (const stack of stacks.values()) {
    stack.services.sort((a, b) => byCodePoint(a.name, b.name))
  }
  return [...stacks.values()].sort((a, b) => byCodePoint(a.stack, b.stack))
}

/** Names here are ASCII; the first use of a collator takes as long as the rest of `status`. */
function byCodePoint(a: string, b: string) {
  return a < b ? -1 : a > b ? 1 : 0
}

function serviceState(container: ContainerSummary): ServiceState {
  const known = ['created', 'running', 'restarting', 'exited'] as const
  return {
    name: container.Labels[composeLabels.service] ?? '',
    container: container.Id,
    image: container.Image,
    state: known.find(state => state === container.State) ?? 'other',
    health: /\(healthy\)/.test(container.Status)
      ? 'healthy'
      : /\(unhealthy\)/.test(container.Status)
        ? 'unhealthy'
        : /\(health: starting\)/.test(container.Status)
          ? 'starting'
          : 'none',
    status: container.Status,
    connected: isConnected(container),
  }
}

function isConnected({ Labels, NetworkSettings }: ContainerSummary): boolean {
  const [stack = '', service = ''] = [Labels[labels.stack], Labels[composeLabels.service]]
  const networks = NetworkSettings?.Networks ?? undefined
  if (Labels[labels.kind] !== 'server') return isOnItsNetworks(stack, service, networks)
  const tenants = (Labels[labels.tenants] ?? '').split(',').filter(Boolean)
  return serverNetworks(service, tenants).every(name => networks?.[`${stack}_${name}`])
}

/** Returns whether all existing services work and include those in `wanted`. */
export function isUp(stack: StackState, wanted: readonly string[] = []): boolean {
  return (
    supportingServices(stack.identity?.kind ?? 'folder').every(({ name }) =>
      serviceOf(stack, name),
    ) &&
    workplaces(stack).length > 0 &&
    wanted.every(name => serviceOf(stack, name)) &&
    stack.services.every(
      ({ state, health, connected }) => state === 'running' && health === 'healthy' && connected,
    )
  )
}

/** Returns whether its entrypoint refuses to start a service: the host may accept its datagrams (threat N19). */
export function isHeldBack({ name, state, status }: ServiceState): boolean {
  return (
    (isAgent(name) || isAdded(name) || tenantOf(name) !== null) &&
    state === 'restarting' &&
    status.startsWith('Restarting (78)')
  )
}

/** Returns the services of a stack in which Claude Code works. */
export function workplaces(stack: StackState): ServiceState[] {
  return stack.services.filter(({ name }) =>
    stack.identity?.kind === 'server' ? tenantOf(name) !== null : isAgent(name),
  )
}

export function serviceOf(stack: StackState, name: string): ServiceState | undefined {
  return stack.services.find(service => service.name === name)
}

/**
 * Command lines of processes at work. In the sessions' container, `claude` is the session, attached to a
 * terminal or not. In the worker it may be warm; there a run lasts as long as the client that sent its
 * prompt.
 */
export const atWork = {
  claude: /^(\S*\/)?claude( |$)/,
  worker: /claude-secure-run( |$)/,
} as const

/** The properties by which a user identifies a stack. */
export type Candidate = { stack: string; workspace: string | null }

/**
 * Finds the stack that `wanted` names: by id or name, a prefix of either (the name also without
 * `claude-secure-`), or the path of its folder. `hint` is shown when none matches; `kind` says what was
 * searched. A whole name is always the stack's; a folder that is called like another stack's id, or like
 * the beginning of one, is refused: the folder may come from an agent, and must not choose the stack.
 */
export function findStack<T extends Candidate>(
  wanted: string,
  candidates: readonly T[],
  options: { folder: string | null; folderStack?: string | null; hint: string; kind?: string },
): T {
  const named = candidates.find(({ stack }) => stack === wanted)
  if (named) return named
  const { folder, folderStack = null } = options
  const isOfFolder = ({ stack, workspace }: Candidate) =>
    (folder !== null && workspace === folder) || stack === folderStack
  const ofFolder = candidates.some(isOfFolder)
  const exact = candidates.filter(candidate => {
    const id = stackId(candidate.stack)
    return isOfFolder(candidate) || (ofFolder ? startsWith(id, wanted) : id === wanted)
  })
  const begun = candidates.filter(({ stack }) =>
    [stack, stackId(stack), stack.replace(/^claude-secure-/, '')].some(name =>
      startsWith(name, wanted),
    ),
  )
  const found = exact.length > 0 ? exact : begun
  const [first] = found
  if (first && found.length === 1) return first
  const shown = terminalLine(wanted, 200)
  throw first
    ? new UserError(`${shown} matches ${found.length} stacks: ${listed(found)}`, {
        hint: ofFolder
          ? `type ./${shown} for the folder, or a whole name: ${found.map(({ stack }) => stack).join(', ')}`
          : 'type more of the name or id',
      })
    : new UserError(`no ${options.kind ?? 'stack'} is called ${shown || "''"}`, {
        hint: options.hint,
      })
}

function startsWith(name: string, wanted: string) {
  return wanted !== '' && name.startsWith(wanted)
}

const shown = 10

/** Renders stack ids and their folders on one line. */
export function listed(candidates: readonly Candidate[]): string {
  const names = candidates
    .slice(0, shown)
    .map(({ stack, workspace }) => `${stackId(stack)} ${terminalLine(workspace ?? stack, 100)}`)
  const more = candidates.length - names.length
  return [...names, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
