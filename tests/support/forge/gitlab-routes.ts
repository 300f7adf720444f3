import {
  addRequest,
  commitOf,
  type ForgeReply,
  type ForgeRoutes,
  type ForgeState,
  idOf,
  openRequest,
  repositoryNamed,
  type StoredRepository,
  type StoredRequest,
} from './forge-state.ts'

const failed = (status: number, message: unknown): ForgeReply => ({ status, body: { message } })

/** GitLab's REST API, version 4. */
export const gitlabRoutes: ForgeRoutes = (
  { method, path, query, body, right, hasToken, origin },
  state,
) => {
  if (right === 'exhausted') {
    return { status: 429, headers: { 'retry-after': '60' }, body: 'Retry later' }
  }
  const anonymous = right === null
  if (path === '/version') {
    return anonymous
      ? failed(401, '401 Unauthorized')
      : { status: 200, body: { version: '18.6.0', revision: '0a1b2c3d' } }
  }
  if (anonymous && (hasToken || state.isClosed)) return failed(401, '401 Unauthorized')
  const [, id = '', rest = ''] = /^\/projects\/([^/]+)(.*)$/.exec(path) ?? []
  const wanted = decodeURIComponent(id)
  const byNumber = /^\d+$/.test(wanted) ? state.repositories[Number(wanted) - 1] : undefined
  const repository = byNumber ?? repositoryNamed(state, wanted, right)
  if (!repository) return failed(404, '404 Project Not Found')
  const { requests, name, defaultBranch } = repository
  if (rest === '') {
    const { parent } = repository
    const project = {
      ...{ id: idOf(state, name), path_with_namespace: name, default_branch: defaultBranch },
      ...(parent && { forked_from_project: { id: 1, path_with_namespace: parent } }),
    }
    return { status: 200, body: project }
  }
  const number = /^\/merge_requests\/(\d+)$/.exec(rest)?.[1]
  if (number !== undefined) {
    const found = requests.find(request => request.number === Number(number))
    return found
      ? { status: 200, body: render(state, repository, found, origin) }
      : failed(404, '404 Not found')
  }
  if (rest !== '/merge_requests') return { status: 404, body: { error: '404 Not Found' } }
  if (method === 'GET') {
    const head = query.get('source_branch')
    const listed = requests
      .filter(request => query.get('state') !== 'opened' || request.state === 'open')
      .filter(request => head === null || request.head === head)
    return { status: 200, body: listed.map(request => render(state, repository, request, origin)) }
  }
  if (right !== 'write') {
    return {
      status: 403,
      body: {
        error: 'insufficient_scope',
        error_description:
          'The request requires higher privileges than provided by the access token.',
        scope: 'api',
      },
    }
  }
  const { title, description, source_branch: head, target_branch: base } = body
  if (typeof title !== 'string' || typeof head !== 'string' || typeof base !== 'string') {
    return { status: 400, body: { error: 'title is missing' } }
  }
  // It is opened at the fork.
  const targetNumber = body.target_project_id
  const target =
    typeof targetNumber === 'number' ? state.repositories[targetNumber - 1] : repository
  if (!target || (target !== repository && target.name !== repository.parent)) {
    return failed(400, { validate_fork: ['Source project is not a fork of the target project'] })
  }
  if (!target.branches.has(base)) {
    return failed(400, { validate_branches: [`Target branch "${base}" does not exist`] })
  }
  const existing = openRequest(target, { head, base, from: name })
  if (existing) {
    const text = 'Another open merge request already exists for this source branch'
    return failed(409, [`${text}: !${existing.number}`])
  }
  const draft = title.startsWith('Draft: ')
  const given = { title, head, base, draft, from: name, body: `${description}` }
  return { status: 201, body: render(state, target, addRequest(target, given), origin) }
}

function render(
  all: ForgeState,
  repository: StoredRepository,
  { number, title, body, head, base, draft, state, from, isOpenToPushes = false }: StoredRequest,
  origin: string,
) {
  const project = idOf(all, repository.name)
  // One that is not stored is another all the same.
  const source = idOf(all, from) || 99
  return {
    id: 1_000 + number,
    iid: number,
    project_id: project,
    allow_collaboration: isOpenToPushes,
    ...{ title, draft, description: body },
    web_url: `${origin}/${repository.name}/-/merge_requests/${number}`,
    state: state === 'open' ? 'opened' : state,
    source_branch: head,
    target_branch: base,
    source_project_id: from === null ? null : source,
    target_project_id: project,
    sha: commitOf(repository, head),
  }
}
