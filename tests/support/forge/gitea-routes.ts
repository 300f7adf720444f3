import {
  addRequest,
  commitOf,
  type ForgeReply,
  type ForgeRoutes,
  headOf,
  idOf,
  openRequest,
  repositoryNamed,
  type StoredRepository,
  type StoredRequest,
} from './forge-state.ts'

const failed = (status: number, message: string): ForgeReply => ({
  status,
  body: { errors: null, message, url: 'https://gitea.example/api/swagger' },
})

/** The API of Gitea and Forgejo, version 1. It lists no pull requests of one branch. */
export const giteaRoutes: ForgeRoutes = (
  { method, path, query, body, right, hasToken, origin },
  state,
) => {
  if (hasToken && right === null) return failed(401, 'invalid username, password or token')
  if (right === 'exhausted') return { status: 429, body: null }
  if (state.isClosed && right === null) {
    return failed(403, 'Only signed in user is allowed to call APIs.')
  }
  if (path === '/version') return { status: 200, body: { version: '13.0.1+gitea-1.22.0' } }
  const [, name = '', rest = ''] = /^\/repos\/([^/]+\/[^/]+)(.*)$/.exec(path) ?? []
  const repository = repositoryNamed(state, name, right)
  if (!repository) return failed(404, "The target couldn't be found.")
  const { requests, branches, defaultBranch } = repository
  if (rest === '') {
    const parent = repository.parent ? { full_name: repository.parent } : null
    const own = { id: idOf(state, repository.name), full_name: repository.name, parent }
    return { status: 200, body: { ...own, default_branch: defaultBranch } }
  }
  const number = /^\/pulls\/(\d+)$/.exec(rest)?.[1]
  if (number !== undefined) {
    const found = requests.find(request => request.number === Number(number))
    return found
      ? { status: 200, body: render(repository, found, origin) }
      : failed(404, "The target couldn't be found.")
  }
  if (rest !== '/pulls') return failed(404, "The target couldn't be found.")
  if (method === 'GET') {
    const [page, limit] = [Number(query.get('page') ?? 1), Number(query.get('limit') ?? 30)]
    const listed = requests
      .filter(request => query.get('state') !== 'open' || request.state === 'open')
      // The newest first.
      .toReversed()
      .slice((page - 1) * limit, page * limit)
    return { status: 200, body: listed.map(request => render(repository, request, origin)) }
  }
  if (right !== 'write') {
    return failed(403, 'token does not have at least one of required scope(s): [write:repository]')
  }
  const { title, head, base } = body
  if (typeof title !== 'string' || typeof head !== 'string' || typeof base !== 'string') {
    return failed(422, '[]: title is required')
  }
  const { source, branch } = headOf(state, repository, head)
  if (!source?.branches.has(branch) || !branches.has(base)) {
    return failed(404, "The target couldn't be found.")
  }
  const existing = openRequest(repository, { head: branch, base, from: source.name })
  if (existing) {
    const ids = `id: ${existing.number}, issue_id: 1, head_repo_id: 1, base_repo_id: 1`
    return failed(
      409,
      `pull request already exists for these targets [${ids}, head_branch: ${branch}, base_branch: ${base}]`,
    )
  }
  const draft = title.startsWith('WIP: ')
  const given = { title, head: branch, base, draft, from: source.name, body: `${body.body}` }
  return { status: 201, body: render(repository, addRequest(repository, given), origin) }
}

function render(
  repository: StoredRepository,
  { number, title, body, head, base, draft, state, from, isOpenToPushes = false }: StoredRequest,
  origin: string,
) {
  const { name } = repository
  const repo = (full_name: string) => ({ full_name, clone_url: `${origin}/${full_name}.git` })
  return {
    ...{ number, title, body, draft },
    html_url: `${origin}/${name}/pulls/${number}`,
    state: state === 'open' ? 'open' : 'closed',
    merged: state === 'merged',
    allow_maintainer_edit: isOpenToPushes,
    merged_at: state === 'merged' ? '2026-11-30T00:00:00Z' : null,
    base: { label: base, ref: base, sha: commitOf(repository, base), repo: repo(name) },
    head: {
      ...{ label: head, ref: head, sha: commitOf(repository, head) },
      repo: from === null ? null : repo(from),
    },
    user: { login: 'ada' },
  }
}
