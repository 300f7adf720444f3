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

const docs = 'https://docs.github.com/rest'

const failed = (status: number, message: string, more: object = {}): ForgeReply => ({
  status,
  body: { message, ...more, documentation_url: docs, status: `${status}` },
})

const invalid = (error: object) =>
  failed(422, 'Validation Failed', { errors: [{ resource: 'PullRequest', ...error }] })

/** GitHub's REST API, version 2022-11-28, and that of GitHub Enterprise Server. */
export const githubRoutes: ForgeRoutes = (request, state) => {
  const reply = answer(request, state)
  return { ...reply, headers: { 'x-github-request-id': 'B001:1', ...reply.headers } }
}

const answer: ForgeRoutes = ({ method, path, query, body, right, hasToken, origin }, state) => {
  if (hasToken && right === null) return failed(401, 'Bad credentials')
  if (right === 'exhausted') {
    const headers = {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '1796040000',
    }
    return { ...failed(403, 'API rate limit exceeded for user ID 1.'), headers }
  }
  if (state.isClosed && right === null) return failed(401, 'Must authenticate to access this API.')
  if (path === '/meta') return { status: 200, body: { installed_version: '3.18.0' } }

  const [, name = '', rest = ''] = /^\/repos\/([^/]+\/[^/]+)(.*)$/.exec(path) ?? []
  const repository = repositoryNamed(state, name, right)
  if (!repository) return failed(404, 'Not Found')
  const { requests, branches, defaultBranch } = repository
  if (name !== repository.name) {
    // A renamed repository has a lasting address by number.
    const location = `${origin}/api/v3/repos/${repository.name}${rest}`
    return { status: method === 'GET' ? 301 : 307, headers: { location }, body: { url: location } }
  }
  if (rest === '') {
    const parent = repository.parent && { full_name: repository.parent }
    const own = { id: idOf(state, repository.name), full_name: repository.name, parent }
    return { status: 200, body: { ...own, source: parent, default_branch: defaultBranch } }
  }
  const number = /^\/pulls\/(\d+)$/.exec(rest)?.[1]
  if (number !== undefined) {
    const found = requests.find(pull => pull.number === Number(number))
    return found
      ? { status: 200, body: render(repository, found, origin, true) }
      : failed(404, 'Not Found')
  }
  if (rest !== '/pulls') return failed(404, 'Not Found')
  if (method === 'GET') {
    const [owner] = repository.name.split('/')
    const head = query.get('head')
    const listed = requests
      .filter(pull => query.get('state') !== 'open' || pull.state === 'open')
      .filter(pull => head === null || `${pull.from?.split('/')[0] ?? owner}:${pull.head}` === head)
    return { status: 200, body: listed.map(pull => render(repository, pull, origin, false)) }
  }
  if (right !== 'write') return failed(403, 'Resource not accessible by personal access token')
  const { title, head, base } = body
  if (typeof title !== 'string' || typeof head !== 'string' || typeof base !== 'string') {
    return invalid({ code: 'missing_field', field: 'title' })
  }
  const { source, branch } = headOf(state, repository, head)
  if (!source?.branches.has(branch)) return invalid({ code: 'invalid', field: 'head' })
  if (!branches.has(base)) return invalid({ code: 'invalid', field: 'base' })
  if (source.branches.get(branch) === branches.get(base)) {
    return invalid({ code: 'custom', message: `No commits between ${base} and ${head}` })
  }
  if (openRequest(repository, { head: branch, base, from: source.name })) {
    const owner = source.name.split('/')[0]
    const message = `A pull request already exists for ${owner}:${branch}.`
    return invalid({ code: 'custom', message })
  }
  const draft = body.draft === true
  const given = { title, head: branch, base, draft, from: source.name, body: `${body.body}` }
  const added = addRequest(repository, given)
  return { status: 201, body: render(repository, added, origin, true) }
}

function render(
  repository: StoredRepository,
  { number, title, body, head, base, draft, state, from, isOpenToPushes = false }: StoredRequest,
  origin: string,
  whole: boolean,
) {
  const { name } = repository
  const repo = (full_name: string) => ({ full_name, clone_url: `${origin}/${full_name}.git` })
  return {
    ...{ number, title, body, draft },
    html_url: `${origin}/${name}/pull/${number}`,
    url: `${origin}/api/v3/repos/${name}/pulls/${number}`,
    state: state === 'open' ? 'open' : 'closed',
    merged_at: state === 'merged' ? '2026-11-30T00:00:00Z' : null,
    // Only a single one says so.
    ...(whole && {
      ...{ merged: state === 'merged', commits: 1, maintainer_can_modify: isOpenToPushes },
    }),
    base: { ref: base, sha: commitOf(repository, base), repo: repo(name) },
    head: { ref: head, sha: commitOf(repository, head), repo: from === null ? null : repo(from) },
    user: { login: 'ada' },
  }
}
