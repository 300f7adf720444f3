import {
  addRequest,
  commitOf,
  type ForgeReply,
  type ForgeRoutes,
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
  const repository = repositoryNamed(state, decodeURIComponent(id), right)
  if (!repository) return failed(404, '404 Project Not Found')
  const { requests, branches, name, defaultBranch } = repository
  if (rest === '') {
    const project = { id: 1, path_with_namespace: name, default_branch: defaultBranch }
    return { status: 200, body: project }
  }
  const number = /^\/merge_requests\/(\d+)$/.exec(rest)?.[1]
  if (number !== undefined) {
    const found = requests.find(request => request.number === Number(number))
    return found
      ? { status: 200, body: render(repository, found, origin) }
      : failed(404, '404 Not found')
  }
  if (rest !== '/merge_requests') return { status: 404, body: { error: '404 Not Found' } }
  if (method === 'GET') {
    const head = query.get('source_branch')
    const listed = requests
      .filter(request => query.get('state') !== 'opened' || request.state === 'open')
      .filter(request => head === null || request.head === head)
    return { status: 200, body: listed.map(request => render(repository, request, origin)) }
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
  if (!branches.has(base)) {
    return failed(400, { validate_branches: [`Target branch "${base}" does not exist`] })
  }
  const existing = openRequest(repository, head, base)
  if (existing) {
    const text = 'Another open merge request already exists for this source branch'
    return failed(409, [`${text}: !${existing.number}`])
  }
  const draft = title.startsWith('Draft: ')
  const given = { title, head, base, draft, body: `${description}` }
  return { status: 201, body: render(repository, addRequest(repository, given), origin) }
}

function render(
  repository: StoredRepository,
  { number, title, body, head, base, draft, state, from }: StoredRequest,
  origin: string,
) {
  return {
    id: 1_000 + number,
    iid: number,
    project_id: 1,
    ...{ title, draft, description: body },
    web_url: `${origin}/${repository.name}/-/merge_requests/${number}`,
    state: state === 'open' ? 'opened' : state,
    source_branch: head,
    target_branch: base,
    source_project_id: from === repository.name ? 1 : from === null ? null : 2,
    target_project_id: 1,
    sha: commitOf(repository, head),
  }
}
