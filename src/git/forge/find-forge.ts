import type { Dispatcher } from 'undici'
import { UserError } from '../../base/errors.ts'
import { describeRemote, type RemoteUrl } from '../remote-url.ts'
import type { ForgeAnswer } from './forge-answer.ts'
import { createForgeClient } from './forge-client.ts'

export const forgeKinds = ['github', 'gitlab', 'gitea'] as const
/** `gitea` is also Forgejo, and `github` GitHub Enterprise. */
export type ForgeKind = (typeof forgeKinds)[number]

export type Forge = {
  kind: ForgeKind
  host: string
  /** Address of its API, without a slash at its end. */
  api: string
  /** Address of its pages, without a slash at its end. */
  web: string
  /** The groups and the name of the repository. */
  repository: readonly string[]
}

/** Other names of the hosts, which ssh uses behind a firewall. */
const sshHosts: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
}
const known: Readonly<Record<string, ForgeKind>> = {
  'github.com': 'github',
  'gitlab.com': 'gitlab',
  'codeberg.org': 'gitea',
  'gitea.com': 'gitea',
}

/** Where each kind has its API on a host of its own, and a question that needs no token. */
const probes: Record<ForgeKind, { api: string; path: string; isIt(answer: ForgeAnswer): boolean }> =
  {
    github: {
      api: '/api/v3',
      path: '/meta',
      // In private mode it answers 401.
      isIt: answer =>
        [200, 401, 403].includes(answer.status) &&
        (answer.header('x-github-request-id') ?? answer.header('x-github-enterprise-version')) !==
          null,
    },
    gitlab: {
      api: '/api/v4',
      path: '/version',
      isIt: ({ status, body }) =>
        (status === 401 && textOf(body, 'message') === '401 Unauthorized') ||
        (status === 200 && textOf(body, 'revision') !== null),
    },
    gitea: {
      api: '/api/v1',
      path: '/version',
      // A host that requires a login for everything answers 403.
      isIt: ({ status, body }) =>
        (status === 200 && textOf(body, 'version') !== null) ||
        (status === 403 && /signed in user/i.test(textOf(body, 'message') ?? '')),
    },
  }

export type FindForgeOptions = {
  /** Skips the questions to an unknown host. */
  kind?: ForgeKind
  dispatcher?: Dispatcher
  signal?: AbortSignal
  /** Milliseconds of one question. */
  timeout?: number
}

/**
 * Finds the forge of a remote: by its host, or by asking an unknown host three questions without a token.
 * Returns null for a folder and for a host with git alone.
 */
export async function findForge(
  remote: RemoteUrl,
  options: FindForgeOptions = {},
): Promise<Forge | null> {
  if (remote.transport === 'file') return null
  const host = sshHosts[remote.host] ?? remote.host
  // The port of ssh is not that of its pages.
  const port = remote.port === null || remote.transport === 'ssh' ? '' : `:${remote.port}`
  const name = host.includes(':') ? `[${host}]` : host
  const web = `${remote.transport === 'http' ? 'http' : 'https'}://${name}${port}`
  const kind = options.kind ?? known[host] ?? (isTenant(host) ? 'github' : null)
  const found = kind ?? (await ask(web, options))
  if (found === null) return null
  return {
    kind: found,
    host: `${name}${port}`,
    api: apiOf(found, host, web),
    web,
    repository: repositoryOf(remote, found),
  }
}

/** GitHub Enterprise Cloud with data residency. */
function isTenant(host: string) {
  return /^[a-z0-9-]+\.ghe\.com$/.test(host)
}

function apiOf(kind: ForgeKind, host: string, web: string) {
  if (kind === 'github' && host === 'github.com') return 'https://api.github.com'
  if (kind === 'github' && isTenant(host)) return `https://api.${host}`
  return `${web}${probes[kind].api}`
}

async function ask(web: string, options: FindForgeOptions): Promise<ForgeKind | null> {
  const { dispatcher, signal, timeout = 10_000 } = options
  const answers = await Promise.all(
    forgeKinds.map(async kind => {
      const { api, path, isIt } = probes[kind]
      const call = createForgeClient({
        api: `${web}${api}`,
        timeout,
        ...(dispatcher && { dispatcher }),
        ...(signal && { signal }),
      })
      // A host with git over ssh alone does not answer here.
      const answer = await call('GET', path).catch(() => null)
      return answer !== null && isIt(answer)
    }),
  )
  signal?.throwIfAborted()
  return forgeKinds.find((_, index) => answers[index]) ?? null
}

function repositoryOf(remote: RemoteUrl, kind: ForgeKind): string[] {
  const segments = remote.path.split('/')
  const fits = kind === 'gitlab' ? segments.length >= 2 : segments.length === 2
  if (fits && segments.every(segment => /^[\w.-]+$/.test(segment))) return segments
  throw new UserError(`${describeRemote(remote)} is not the address of a repository`, {
    hint: 'set the URL of the remote to https://HOST/OWNER/NAME, or to git@HOST:OWNER/NAME',
  })
}

function textOf(body: unknown, field: string): string | null {
  if (typeof body !== 'object' || body === null || !(field in body)) return null
  const value = (body as Record<string, unknown>)[field]
  return typeof value === 'string' ? value : null
}
