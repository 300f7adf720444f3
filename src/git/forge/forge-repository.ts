import type { Dispatcher } from 'undici'
import { z } from 'zod'
import { UserError } from '../../base/errors.ts'
import { terminalLine, terminalText } from '../../base/terminal-text.ts'
import { parseBranchName } from '../branch-name.ts'
import type { FindLogin } from '../login.ts'
import { dialects } from './dialects.ts'
import type { Forge } from './find-forge.ts'
import type { ForgeAnswer } from './forge-answer.ts'
import { createForgeClient } from './forge-client.ts'
import { type Attempt, forgeFailure, strangeAnswer } from './forge-failure.ts'
import { forgePath } from './forge-path.ts'
import type { NewPullRequest, PullRequest } from './pull-request.ts'

/** The shortest limits of the three. */
const titleCharacters = 255
const bodyCharacters = 65_536

const Name = z.object({ full_name: z.string() }).nullish()
const Repository = z.object({
  id: z.int().positive(),
  default_branch: z.string().min(1),
  // What it was forked from, and where a fork of a fork began.
  parent: Name,
  source: Name,
  forked_from_project: z.object({ path_with_namespace: z.string() }).nullish(),
})
const Project = z.object({ path_with_namespace: z.string() })

export type ForgeRepositoryOptions = {
  /** Not called before the first request. */
  login: FindLogin
  dispatcher?: Dispatcher
  /** Milliseconds of one request. */
  timeout?: number
  signal?: AbortSignal
}

/** One repository of a forge. Its functions throw a `UserError` for each refusal. */
export type ForgeRepository = ReturnType<typeof createForgeRepository>

export function createForgeRepository(forge: Forge, options: ForgeRepositoryOptions) {
  const { host } = forge
  const { login, ...limits } = options
  const dialect = dialects[forge.kind]
  const { authorization, headers, word } = dialect
  const repository = forge.repository.join('/')
  const home = dialect.repository(forge.repository)
  let known: Promise<string | null> | undefined
  const findToken = () => {
    known ??= login(host).then(found => found?.token ?? null)
    return known
  }
  const call = createForgeClient({
    ...{ api: forge.api, token: findToken, authorization, headers },
    ...limits,
  })

  const trying = (action: string): Attempt => ({ host, repository, action })

  /** Parses a success; throws the forge's reason for anything else. */
  function expect<T>(answer: ForgeAnswer, attempt: Attempt, parse: (body: unknown) => T): T {
    if (answer.status < 200 || answer.status > 299) throw forgeFailure(answer, attempt)
    try {
      return parse(answer.body)
    } catch (cause) {
      throw strangeAnswer(attempt, cause)
    }
  }

  function parse(body: unknown): PullRequest {
    const found = dialect.parse(body, repository)
    const { number } = found
    const own = `${forge.web}/${repository}${dialect.page(number)}`
    return { ...found, url: pageOf(found.url, forge.web) ?? own, ref: dialect.ref(number) }
  }

  /** Reads a repository of this forge, by default this one. */
  async function describe(action: string, names = forge.repository) {
    const answer = await call('GET', dialect.repository(names))
    return expect(answer, { ...trying(action), repository: names.join('/') }, body =>
      Repository.parse(body),
    )
  }

  async function find(
    head: string,
    base?: string,
    fork?: readonly string[],
  ): Promise<PullRequest | null> {
    const [owner = ''] = fork ?? forge.repository
    const number = fork && dialect.hasNumbers ? (await describe('read it', fork)).id : null
    const isFrom = ({ fork: isFork, repository: name, project }: PullRequest['head']) => {
      if (!fork) return !isFork
      return number === null ? isSame(name, fork) : project === number
    }
    const attempt = trying(`list ${word}s`)
    for (let page = 1; ; page++) {
      const query = dialect.list(owner, parseBranchName(head), page)
      if (query === null) return null
      const answer = await call('GET', `${home}${dialect.requests}${query}`)
      const listed = expect(answer, attempt, body => z.array(z.unknown()).parse(body).map(parse))
      if (listed.length === 0) return null
      const found = listed.find(
        ({ state, head: from, base: into }) =>
          state === 'open' &&
          from.branch === head &&
          isFrom(from) &&
          (base === undefined || into === base),
      )
      if (found) return found
    }
  }

  return {
    host,
    word,
    /** Such as `group/name`. */
    repository,

    async defaultBranch(): Promise<string> {
      return (await describe('read the default branch')).default_branch
    },

    /** Returns the repositories that this one was forked from, the nearest first. */
    async origins(): Promise<string[]> {
      const found = await describe('find out what was forked')
      const { parent, source, forked_from_project: project } = found
      return [parent?.full_name, project?.path_with_namespace, source?.full_name].flatMap(
        name => name ?? [],
      )
    },

    /** Returns the open one of a branch of this repository or of a fork; null without one. */
    find,

    /** Opens one. Returns the existing one, with `opened` false, if these branches have an open one. */
    async open(request: NewPullRequest): Promise<{ pullRequest: PullRequest; opened: boolean }> {
      const { head, base, fork } = request
      const attempt = trying(`open a ${word} of ${terminalLine(parseBranchName(head))}`)
      const wanted = { ...request, ...textsOf(request), base: parseBranchName(base) }
      if ((await findToken()) === null) throw withoutToken(host, word)
      const number = fork && dialect.hasNumbers ? (await describe('read it')).id : null
      const { path, body } = dialect.open(wanted, { names: forge.repository, number })
      const answer = await call('POST', path, body)
      // By its status: the forge may translate the text that says so.
      const conflict = answer.status === 409 || answer.status === 422
      const existing = conflict ? await find(head, base, fork) : null
      if (existing) return { pullRequest: existing, opened: false }
      return { pullRequest: expect(answer, attempt, parse), opened: true }
    },

    /** Returns one by its number. */
    async fetch(number: number): Promise<PullRequest> {
      const answer = await call('GET', `${home}${dialect.requests}${forgePath`/${number}`}`)
      const found = expect(answer, trying(`read ${word} ${number}`), parse)
      const { repository: name, project } = found.head
      if (name !== null || project === null) return found
      const named = Project.safeParse((await call('GET', forgePath`/projects/${project}`)).body)
      if (!named.success) return found
      return { ...found, head: { ...found.head, repository: named.data.path_with_namespace } }
    },
  }
}

/** Forges do not distinguish names by case. */
function isSame(name: string | null, names: readonly string[]): boolean {
  return name?.toLowerCase() === names.join('/').toLowerCase()
}

/** A commit message may have anything in it: no control character reaches a page or another terminal. */
function textsOf({ title, body }: NewPullRequest) {
  const line = terminalLine(title, titleCharacters).trim()
  const text = terminalText(body)
  if (line === '') {
    throw new UserError('the title is empty', { hint: 'write one line that says what changes' })
  }
  if (text.length > bodyCharacters) {
    throw new UserError(`the text has ${text.length} characters (at most ${bodyCharacters})`, {
      hint: 'shorten it',
    })
  }
  return { title: line, body: text }
}

/** Returns an address that the forge gave, if it is a page of the same host: a person opens it. */
function pageOf(url: string, web: string): string | null {
  try {
    const { protocol, hostname, username, password, href } = new URL(url)
    const plain = protocol === 'https:' || protocol === new URL(web).protocol
    return plain && hostname === new URL(web).hostname && `${username}${password}` === ''
      ? href
      : null
  } catch {
    return null
  }
}

function withoutToken(host: string, word: string) {
  return new UserError(`there is no token for ${host}, which a ${word} needs`, {
    hint: `log in with the command of the forge, such as gh auth login --hostname ${host}, or set a token`,
  })
}
