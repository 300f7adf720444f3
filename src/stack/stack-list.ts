import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { stateRoot } from '../config/paths.ts'
import type { Engine, VolumeSummary } from '../engine/engine.ts'
import { type Activity, activities } from './activity.ts'
import {
  identityLabels,
  isStackName,
  parseIdentityLabels,
  type StackIdentity,
  type StackKind,
  stackId,
} from './identity.ts'
import { inspectStacks, isUp, type StackState } from './inspect.ts'
import { composeLabels } from './labels.ts'
import { readProtection } from './protection.ts'
import { isAdded } from './services.ts'
import { readOwner } from './state/owner.ts'
import { keptInState, stateFolder } from './state/state-folder.ts'

/** A stack of this engine, or the remains of one. */
export type ListedStack = Activity & {
  /** The end of its name, which users type. */
  id: string
  stack: string
  /** Null when unknown: neither containers, state folder nor volumes name it. */
  kind: StackKind | null
  /** Real path on the host; null when unknown. */
  workspace: string | null
  workspaceMode: string | null
  /** Name of a git session; absent for other stacks. */
  gitSession?: string
  credentials: string | null
  /** `partial`: only some services run, or some do not work. */
  state: 'up' | 'partial' | 'stopped'
  /** ISO 8601; null when unknown. */
  created: string | null
  /** The user's services beside the agent; none of a stopped stack. */
  services: string[]
  /** Volume names; null when not requested. */
  volumes: string[] | null
  /** Total size of its volumes; null when not requested, or when measuring takes too long. */
  bytes: number | null
  /** Whether this user's state folder knows it. */
  ours: boolean
}

/** Returns the stacks that have containers, with their activity; lists them with one engine query. */
export async function runningStacks(engine: Engine, root = stateRoot()): Promise<ListedStack[]> {
  const [states, folders] = await Promise.all([inspectStacks(engine), stateFolders(root)])
  return describe(engine, states, folders)
}

/** Timeout in milliseconds for the sizes, which are optional. */
const sizesWithin = 1_500

/** Returns all stacks, including those with only volumes or a state folder left. */
export async function allStacks(engine: Engine, root = stateRoot()): Promise<ListedStack[]> {
  const [states, volumes, sizes, folders] = await Promise.all([
    inspectStacks(engine),
    engine.volumes([composeLabels.project]),
    engine.volumeSizes(sizesWithin),
    stateFolders(root),
  ])
  const ofStack = groupVolumes(volumes)
  const known = new Set(states.map(({ stack }) => stack))
  const left = [...new Set([...ofStack.keys(), ...folders])]
    .filter(name => isStackName(name) && !known.has(name))
    .sort()
  const stacks = [
    ...(await describe(engine, states, folders)),
    ...(await Promise.all(
      left.map(async name => ({
        ...(await describeLeft(name, ofStack.get(name) ?? [], root)),
        ours: folders.has(name),
      })),
    )),
  ]
  return stacks.map(stack => {
    const volumes = names(ofStack.get(stack.stack))
    return { ...stack, volumes, bytes: sum(volumes.map(name => sizes.get(name))) }
  })
}

/** Returns the names of state folders that hold more than a removed stack keeps. */
export async function stateFolders(root: string): Promise<Set<string>> {
  const folder = join(root, 'stacks')
  const entries = (await readdir(folder).catch(() => [])).filter(isStackName)
  const full = await Promise.all(
    entries.map(async name => {
      const inside = await readdir(join(folder, name)).catch(() => [])
      return inside.some(entry => !keptInState.includes(entry)) ? [name] : []
    }),
  )
  return new Set(full.flat())
}

function sum(sizes: readonly (number | undefined)[]): number | null {
  let total = 0
  for (const size of sizes) {
    if (size === undefined) return null
    total += size
  }
  return total
}

async function describe(
  engine: Engine,
  states: readonly StackState[],
  folders: ReadonlySet<string>,
): Promise<ListedStack[]> {
  const work = await activities(engine, states)
  return states.map(state => ({
    id: stackId(state.stack),
    stack: state.stack,
    kind: state.identity?.kind ?? null,
    workspace: state.identity?.kind === 'server' ? null : state.workspace,
    workspaceMode: state.workspaceMode,
    ...gitSession(state.identity),
    credentials: state.credentials,
    state: stateOf(state),
    created: new Date(state.created * 1000).toISOString(),
    ...(work.get(state.stack) ?? { session: null, runs: 0 }),
    services: state.services.map(({ name }) => name).filter(isAdded),
    volumes: null,
    bytes: null,
    ours: folders.has(state.stack),
  }))
}

function stateOf(state: StackState): ListedStack['state'] {
  if (isUp(state)) return 'up'
  const runs = state.services.some(service => service.state !== 'exited')
  return runs ? 'partial' : 'stopped'
}

/** Describes a stack without containers; its state folder or the labels of its volumes name the workspace. */
async function describeLeft(
  stack: string,
  volumes: readonly VolumeSummary[],
  root: string,
): Promise<Omit<ListedStack, 'volumes' | 'bytes' | 'ours'>> {
  const state = stateFolder(stack, root)
  const [protection, owner] = await Promise.all([
    readProtection(state),
    readOwner(stack, state).catch(() => null),
  ])
  const copy = volumes.some(({ Name }) => Name === `${stack}_workspace`)
  const created = volumes.flatMap(({ CreatedAt }) => (CreatedAt ? [Date.parse(CreatedAt)] : []))
  return {
    id: stackId(stack),
    stack,
    kind: owner?.kind ?? kindIn(volumes),
    workspace: protection?.workspace ?? folderIn(volumes) ?? folderOf(owner),
    workspaceMode: copy ? 'copy' : volumes.length > 0 ? 'mount' : null,
    ...gitSession(owner),
    credentials: null,
    state: 'stopped',
    created: created.length > 0 ? new Date(Math.min(...created)).toISOString() : null,
    session: null,
    runs: 0,
    services: [],
  }
}

function gitSession(identity: StackIdentity | null): { gitSession?: string } {
  return identity?.kind === 'session' ? { gitSession: identity.session } : {}
}

/** Returns the folder of a stack that never started, and has only its own list or settings. */
function folderOf(owner: StackIdentity | null): string | null {
  return owner && owner.kind !== 'server' ? owner.folder : null
}

/** Returns the folder in the labels of a stack's volumes; null when none has it. */
function folderIn(volumes: readonly VolumeSummary[]): string | null {
  const folders = volumes.flatMap(({ Labels }) => Labels?.[identityLabels.workspace] ?? [])
  return folders[0] ?? null
}

/** Returns the kind in the labels of a stack's volumes; null when none has it. */
function kindIn(volumes: readonly VolumeSummary[]): StackKind | null {
  const owners = volumes.flatMap(({ Labels }) => parseIdentityLabels(Labels ?? {}) ?? [])
  return owners[0]?.kind ?? null
}

function groupVolumes(volumes: readonly VolumeSummary[]) {
  const groups = new Map<string, VolumeSummary[]>()
  for (const volume of volumes) {
    const stack = volume.Labels?.[composeLabels.project] ?? ''
    const group = groups.get(stack)
    if (group) group.push(volume)
    else groups.set(stack, [volume])
  }
  return groups
}

function names(volumes: readonly VolumeSummary[] | undefined) {
  return (volumes ?? []).map(({ Name }) => Name).sort()
}
