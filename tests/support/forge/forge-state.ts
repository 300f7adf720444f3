/** A pull request as a stand-in stores it. */
export type StoredRequest = {
  number: number
  title: string
  body: string
  head: string
  base: string
  draft: boolean
  state: 'open' | 'closed' | 'merged'
  /** The repository of the branch; null for a fork that is gone. */
  from: string | null
  /** Whether its author lets those push to the branch who may write to the target. */
  isOpenToPushes?: boolean
}

export type StoredRepository = {
  /** Such as `group/name`. */
  name: string
  defaultBranch: string
  /** Branches and their commits. */
  branches: Map<string, string>
  requests: StoredRequest[]
  isPrivate: boolean
  /** The repository that it is a fork of. */
  parent?: string
}

/** What a token may do: all, read, or nothing until its limit is reset. */
export type Right = 'write' | 'read' | 'exhausted'

export type ForgeState = {
  repositories: StoredRepository[]
  tokens: Map<string, Right>
  /** Requires a login for everything. */
  isClosed: boolean
}

export type ForgeRequest = {
  method: string
  /** Without the address of the API, and with escapes as sent. */
  path: string
  query: URLSearchParams
  body: Record<string, unknown>
  /** Null without a token or with an unknown one. */
  right: Right | null
  hasToken: boolean
  /** Address of the stand-in. */
  origin: string
}

export type ForgeReply = { status: number; headers?: Record<string, string>; body: unknown }

/** Answers one request in the words of its forge. */
export type ForgeRoutes = (request: ForgeRequest, state: ForgeState) => ForgeReply

export function repositoryNamed(state: ForgeState, name: string, right: Right | null) {
  const found = state.repositories.find(
    repository => repository.name.toLowerCase() === name.toLowerCase(),
  )
  return found && (!found.isPrivate || right !== null) ? found : undefined
}

/** The open one of two branches. */
export function openRequest(
  { name, requests }: StoredRepository,
  { head, base, from = name }: { head: unknown; base: unknown; from?: string },
) {
  return requests.find(
    request =>
      request.state === 'open' &&
      request.head === head &&
      request.base === base &&
      request.from === from,
  )
}

/** The repository that a head like `owner:branch` names, and its branch. */
export function headOf(
  { repositories }: ForgeState,
  target: StoredRepository,
  head: string,
): { source: StoredRepository | undefined; branch: string } {
  const [owner, branch] = head.split(':')
  if (branch === undefined) return { source: target, branch: head }
  const source = repositories.find(
    ({ name, parent }) => parent === target.name && name.split('/')[0] === owner,
  )
  return { source, branch }
}

/** Number of a repository, from 1. */
export const idOf = ({ repositories }: ForgeState, wanted: string | null) =>
  repositories.findIndex(({ name }) => name === wanted) + 1

export function addRequest(
  repository: StoredRepository,
  given: Pick<StoredRequest, 'title' | 'body' | 'head' | 'base' | 'draft'> & { from?: string },
): StoredRequest {
  const number = repository.requests.length + 1
  const request: StoredRequest = { from: repository.name, ...given, number, state: 'open' }
  repository.requests.push(request)
  return request
}

export const commitOf = ({ branches }: StoredRepository, branch: string) =>
  branches.get(branch) ?? 'f'.repeat(40)
