import type { GitAccess, Repository } from './access.ts'

export type GitService = 'git-upload-pack' | 'git-receive-pack'

/** A request of git's smart protocol. */
export type GitTarget = {
  service: GitService
  /** The list of refs, with which each command begins, or the command itself. */
  step: 'refs' | 'command'
  /** Host and path, without `.git`. */
  repository: string
  /** Path and query at the host. */
  upstream: string
}

const forms = [
  [
    'GET',
    'refs',
    /^\/git\/([^/?#%]+)(\/[^?#%]+)\/info\/refs\?service=(git-upload-pack|git-receive-pack)$/,
  ],
  ['POST', 'command', /^\/git\/([^/?#%]+)(\/[^?#%]+)\/(git-upload-pack|git-receive-pack)$/],
] as const

/**
 * Parses the target of a request, byte by byte as received: no decoding and no normalizing, so that it
 * cannot mean one repository here and another one at the host (threat N15). Null for everything else,
 * such as the files of the dumb protocol.
 */
export function gitTarget(method: string, target: string): GitTarget | null {
  for (const [expected, step, form] of forms) {
    const [, host, path, service] = (method === expected && form.exec(target)) || []
    if (host === undefined || path === undefined) continue
    const repository = `${host}${path.replace(/\.git$/, '')}`
    const upstream = target.slice(`/git/${host}`.length)
    return { service: service as GitService, step, repository, upstream }
  }
  return null
}

/** Returns the listed repository of a request; compares whole names, because a prefix is another's. */
export function listedRepository(
  { repositories }: GitAccess,
  { repository }: Pick<GitTarget, 'repository'>,
): Repository | null {
  return repositories.find(({ host, path }) => `${host}/${path}` === repository) ?? null
}
