import { z } from 'zod'
import type { ForgeKind } from './find-forge.ts'
import { forgePath } from './forge-path.ts'
import type { NewPullRequest, PullRequest } from './pull-request.ts'

/** A pull request as its forge describes it: `url` is not checked yet. */
export type Described = Omit<PullRequest, 'ref'>

/** How one kind of forge spells the same requests. */
export type Dialect = {
  word: 'pull request' | 'merge request'
  authorization(token: string): string
  headers: Readonly<Record<string, string>>
  /** Path of a repository. */
  repository(names: readonly string[]): string
  /** Path of its pull requests below that. */
  requests: string
  /** Query that lists the open ones of a branch; null after the last page. The answer may have others. */
  list(owner: string, head: string, page: number): string | null
  /** Whether a request between two repositories needs their numbers. */
  hasNumbers: boolean
  /** Path and body of the request that opens one. `number` is that of the target, for a fork. */
  open(
    request: NewPullRequest,
    target: { names: readonly string[]; number: number | null },
  ): { path: string; body: Record<string, unknown> }
  /** Path of its page below the repository's. */
  page(number: number): string
  /** The ref that has its commits. */
  ref(number: number): string
  /** Throws for anything else. `repository` is the one that was asked. */
  parse(body: unknown, repository: string): Described
}

const Commit = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/)
const Id = z.int().positive()

/** GitHub's form, which Gitea has too. Lists of GitHub have no `merged`. */
const Pull = z.object({
  number: Id,
  html_url: z.string(),
  title: z.string(),
  state: z.enum(['open', 'closed']),
  draft: z.boolean().nullish(),
  merged: z.boolean().nullish(),
  merged_at: z.string().nullish(),
  // GitHub's word and Gitea's.
  maintainer_can_modify: z.boolean().nullish(),
  allow_maintainer_edit: z.boolean().nullish(),
  base: z.object({ ref: z.string(), repo: z.object({ full_name: z.string() }) }),
  head: z.object({
    ref: z.string(),
    sha: Commit,
    // Null when the fork is gone.
    repo: z.object({ full_name: z.string() }).nullish(),
  }),
})

function parsePull(body: unknown): Described {
  const found = Pull.parse(body)
  const { number, html_url, title, state, draft, merged, merged_at, base, head } = found
  return {
    ...{ number, title },
    url: html_url,
    state: (merged ?? merged_at) ? 'merged' : state,
    draft: draft === true,
    base: base.ref,
    head: {
      branch: head.ref,
      commit: head.sha,
      fork: head.repo?.full_name !== base.repo.full_name,
      repository: head.repo?.full_name ?? null,
      project: null,
      isOpenToPushes: (found.maintainer_can_modify ?? found.allow_maintainer_edit) === true,
    },
  }
}

const MergeRequest = z.object({
  iid: Id,
  web_url: z.string(),
  title: z.string(),
  state: z.enum(['opened', 'closed', 'locked', 'merged']),
  draft: z.boolean().nullish(),
  source_branch: z.string(),
  target_branch: z.string(),
  source_project_id: z.number().nullish(),
  target_project_id: z.number(),
  allow_collaboration: z.boolean().nullish(),
  sha: Commit,
})

function parseMergeRequest(body: unknown, repository: string): Described {
  const found = MergeRequest.parse(body)
  const { state } = found
  const fork = found.source_project_id !== found.target_project_id
  return {
    number: found.iid,
    url: found.web_url,
    title: found.title,
    state: state === 'opened' ? 'open' : state === 'merged' ? 'merged' : 'closed',
    draft: found.draft === true,
    base: found.target_branch,
    head: {
      branch: found.source_branch,
      commit: found.sha,
      fork,
      // Of a fork GitLab gives a number alone.
      repository: fork ? null : repository,
      project: found.source_project_id ?? null,
      isOpenToPushes: found.allow_collaboration === true,
    },
  }
}

const ownerAndName = ([owner = '', name = '']: readonly string[]) =>
  forgePath`/repos/${owner}/${name}`

const project = (names: readonly string[]) => forgePath`/projects/${names.join('/')}`

/** Spells a branch, with the owner of the fork that it is in. */
const headOf = (branch: string, owner: string | undefined) =>
  owner === undefined ? branch : `${owner}:${branch}`

/** Pages that are read where a forge cannot list the pull requests of one branch. */
const mostPages = 20

export const dialects: Record<ForgeKind, Dialect> = {
  github: {
    word: 'pull request',
    authorization: token => `Bearer ${token}`,
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
    repository: ownerAndName,
    requests: '/pulls',
    list: (owner, head, page) =>
      page > 1 ? null : query({ state: 'open', head: `${owner}:${head}`, per_page: '100' }),
    hasNumbers: false,
    open: ({ title, body, head, base, fork, draft = false }, { names }) => {
      const [owner, name] = fork ?? []
      // Two repositories of one owner, as in an organisation, are told apart by this name alone.
      const inside = owner !== undefined && owner === names[0] ? { head_repo: name } : {}
      return {
        path: `${ownerAndName(names)}/pulls`,
        body: { title, body, head: headOf(head, owner), base, draft, ...inside },
      }
    },
    page: number => `/pull/${number}`,
    ref: number => `refs/pull/${number}/head`,
    parse: parsePull,
  },
  gitlab: {
    word: 'merge request',
    authorization: token => `Bearer ${token}`,
    headers: {},
    repository: project,
    requests: '/merge_requests',
    list: (_, head, page) =>
      page > 1 ? null : query({ state: 'opened', source_branch: head, per_page: '100' }),
    hasNumbers: true,
    // It is opened at the fork, and names its target.
    open: ({ title, body, head, base, fork, draft }, { names, number }) => ({
      path: `${project(fork ?? names)}/merge_requests`,
      body: {
        title: draft ? `Draft: ${title}` : title,
        description: body,
        source_branch: head,
        target_branch: base,
        ...(fork && { target_project_id: number }),
      },
    }),
    page: number => `/-/merge_requests/${number}`,
    ref: number => `refs/merge-requests/${number}/head`,
    parse: parseMergeRequest,
  },
  gitea: {
    word: 'pull request',
    authorization: token => `token ${token}`,
    headers: {},
    repository: ownerAndName,
    requests: '/pulls',
    list: (_owner, _head, page) =>
      page > mostPages ? null : query({ state: 'open', page: `${page}`, limit: '50' }),
    hasNumbers: false,
    open: ({ title, body, head, base, fork, draft }, { names }) => ({
      path: `${ownerAndName(names)}/pulls`,
      body: {
        title: draft ? `WIP: ${title}` : title,
        ...{ body, head: headOf(head, fork?.[0]), base },
      },
    }),
    page: number => `/pulls/${number}`,
    ref: number => `refs/pull/${number}/head`,
    parse: parsePull,
  },
}

function query(values: Record<string, string>): string {
  return `?${new URLSearchParams(values)}`
}
