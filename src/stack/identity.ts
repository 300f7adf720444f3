import { createHash } from 'node:crypto'
import { basename } from 'node:path'

/**
 * The kinds of stack: for a folder; for one of several sessions in a folder, each with its own stack; or
 * for the server, which has no folder.
 */
export const stackKinds = ['folder', 'session', 'server'] as const
export type StackKind = (typeof stackKinds)[number]

/**
 * The full identity of a stack. `name` (the compose project) and `id` (the end of the name, which users type)
 * hold only 32 bits of a hash, so two stacks can share them: compare with `isSameStack`.
 */
export type StackIdentity = {
  id: string
  name: string
  /** Uid of the user who made it; absent for a stack of a version that did not record it. */
  owner?: number
} & StackOf

/** The folder, session or server that a stack belongs to. `folder` is a real path on the host. */
export type StackOf =
  | { kind: 'folder'; folder: string }
  | { kind: 'session'; folder: string; session: string }
  | { kind: 'server'; server: string }

/** The labels of a stack's containers, networks and volumes that hold its identity. */
export const identityLabels = {
  stack: 'claude-secure.stack',
  kind: 'claude-secure.kind',
  workspace: 'claude-secure.workspace',
  session: 'claude-secure.session',
  server: 'claude-secure.server',
  owner: 'claude-secure.owner',
} as const

/** `claude-secure-<slug>-<hash>`: readable in `docker ps`. */
export function stackIdentity(of: StackOf): StackIdentity {
  const hash = createHash('sha256').update(hashed(of)).digest('hex').slice(0, 8)
  return identify(`claude-secure-${slugOf(of)}-${hash}`, of)
}

/** The stack of a folder when no session is named. */
export function folderStack(realPath: string, owner?: number): StackIdentity {
  return withOwner(stackIdentity({ kind: 'folder', folder: realPath }), owner)
}

function withOwner(identity: StackIdentity, owner: number | undefined): StackIdentity {
  return owner === undefined ? identity : { ...identity, owner }
}

/** Hashes only the path for a folder stack, to keep existing names. NUL separates parts: paths never hold it. */
function hashed(of: StackOf): string {
  switch (of.kind) {
    case 'folder':
      return of.folder
    case 'session':
      return `${of.folder}\0session\0${of.session}`
    case 'server':
      return `\0server\0${of.server}`
  }
}

function slugOf(of: StackOf): string {
  switch (of.kind) {
    case 'folder':
      return slug(basename(of.folder), 24) || 'workspace'
    case 'session':
      return [slug(basename(of.folder), 24) || 'workspace', slug(of.session, 16)]
        .filter(part => part !== '')
        .join('-')
    case 'server':
      return ['server', slug(of.server, 24)].filter(part => part !== '').join('-')
  }
}

function slug(text: string, longest: number) {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, longest)
    .replace(/-$/, '')
}

function identify(name: string, of: StackOf): StackIdentity {
  return { ...of, name, id: stackId(name) }
}

/** Returns whether a compose project name has the form of a stack name. */
export function isStackName(project: string): boolean {
  return /^claude-secure-[a-z0-9-]+-[0-9a-f]{8}$/.test(project)
}

/** Returns the part of a stack name that users type. */
export function stackId(name: string): string {
  return name.slice(-8)
}

/** Compares the full values of which the name holds only a hash, and the owners if both are known. */
export function isSameStack(a: StackIdentity, b: StackIdentity): boolean {
  return a.name === b.name && hashed(a) === hashed(b) && !hasOtherOwner(a, b)
}

export function hasOtherOwner(a: StackIdentity, b: StackIdentity): boolean {
  return a.owner !== undefined && b.owner !== undefined && a.owner !== b.owner
}

export function renderIdentityLabels(identity: StackIdentity): Record<string, string> {
  return {
    [identityLabels.stack]: identity.name,
    [identityLabels.kind]: identity.kind,
    ...(identity.kind !== 'server' && { [identityLabels.workspace]: identity.folder }),
    ...(identity.kind === 'session' && { [identityLabels.session]: identity.session }),
    ...(identity.kind === 'server' && { [identityLabels.server]: identity.server }),
    ...(identity.owner !== undefined && { [identityLabels.owner]: `${identity.owner}` }),
  }
}

/**
 * Returns the identity in a container's labels, or null when they hold none. Containers of versions without
 * kinds belong to a folder.
 */
export function parseIdentityLabels(
  labels: Readonly<Record<string, string>>,
): StackIdentity | null {
  const name = labels[identityLabels.stack]
  if (name === undefined) return null
  const of = parseStackOf({
    kind: labels[identityLabels.kind] ?? 'folder',
    folder: labels[identityLabels.workspace],
    session: labels[identityLabels.session],
    server: labels[identityLabels.server],
  })
  return of && withOwner(identify(name, of), parseOwner(labels[identityLabels.owner]))
}

function parseOwner(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined
}

/** Parses a `StackOf` from the parts of a label set or file; null when a part is missing. */
export function parseStackOf(parts: {
  kind: string
  folder?: string | undefined
  session?: string | undefined
  server?: string | undefined
}): StackOf | null {
  const { kind, folder, session, server } = parts
  if (kind === 'folder' && folder) return { kind, folder }
  if (kind === 'session' && folder && session) return { kind, folder, session }
  if (kind === 'server' && server) return { kind, server }
  return null
}

/** Describes a stack for a message, with its owner where that is what differs from `other`. */
export function describeStack(of: StackOf & { owner?: number }, other?: StackIdentity): string {
  const text = describe(of)
  return other !== undefined && describe(other) === text && of.owner !== undefined
    ? `${text} of uid ${of.owner}`
    : text
}

function describe(of: StackOf): string {
  switch (of.kind) {
    case 'folder':
      return of.folder
    case 'session':
      return `session ${of.session} of ${of.folder}`
    case 'server':
      return `server ${of.server}`
  }
}
