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
}

export type StoredRepository = {
  /** Such as `group/name`. */
  name: string
  defaultBranch: string
  /** Branches and their commits. */
  branches: Map<string, string>
  requests: StoredRequest[]
  isPrivate: boolean
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
export function openRequest({ requests }: StoredRepository, head: unknown, base: unknown) {
  return requests.find(
    request => request.state === 'open' && request.head === head && request.base === base,
  )
}

export function addRequest(
  repository: StoredRepository,
  given: Pick<StoredRequest, 'title' | 'body' | 'head' | 'base' | 'draft'>,
): StoredRequest {
  const number = repository.requests.length + 1
  const request: StoredRequest = { ...given, number, state: 'open', from: repository.name }
  repository.requests.push(request)
  return request
}

export const commitOf = ({ branches }: StoredRepository, branch: string) =>
  branches.get(branch) ?? 'f'.repeat(40)
