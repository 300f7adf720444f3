/** A repository that the agent may use through the gateway. */
export type GitRepository = {
  host: string
  /** At the host, without `.git`: `me/app`, `group/team/app`. */
  path: string
  /** Whether it may push branches below `claude/`. */
  push: boolean
}

/** The most repositories of one stack. */
export const mostRepositories = 32

const form =
  /^(?:https:\/\/)?((?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62})\/([A-Za-z0-9_~][\w.~+-]*(?:\/[A-Za-z0-9_~][\w.~+-]*){0,9})\/?(:ro)?$/

/** Parses one repository: `github.com/me/app`, or its URL; `:ro` for fetches alone. Null for anything else. */
export function parseGitRepository(text: string): GitRepository | null {
  const [, host, written, readOnly] = form.exec(text) ?? []
  const path = written?.replace(/\.git$/, '')
  if (host === undefined || path === undefined || host.length > 253 || path.length > 200)
    return null
  // git takes these for a folder of its own, and hosts for the folder above.
  if (/(^|\/)\.\.?(\/|$)|\.git(\/|$)/.test(path)) return null
  return { host, path, push: readOnly === undefined }
}

/** Parses GIT_REPOSITORIES: repositories separated by commas or spaces. Null when one is not valid. */
export function parseGitRepositories(text: string | undefined): GitRepository[] | null {
  const words = (text ?? '').split(/[\s,]+/).filter(Boolean)
  const found = words.map(parseGitRepository)
  if (found.length > mostRepositories) return null
  return found.every(one => one !== null) ? joinRepositories(found) : null
}

/** Returns each repository once; one that may be pushed to stays so. */
export function joinRepositories(all: readonly GitRepository[]): GitRepository[] {
  const joined = new Map<string, GitRepository>()
  for (const one of all) {
    const name = nameOf(one)
    joined.set(name, { ...one, push: one.push || (joined.get(name)?.push ?? false) })
  }
  return [...joined.values()]
}

/** Returns the name of a repository as it is listed. */
export function nameOf({ host, path }: Pick<GitRepository, 'host' | 'path'>): string {
  return `${host}/${path}`
}

/** Returns each host once. */
export function hostsOf(repositories: readonly GitRepository[]): string[] {
  return [...new Set(repositories.map(({ host }) => host))]
}
