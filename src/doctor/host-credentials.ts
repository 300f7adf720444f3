import { command } from '../base/command.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { type GitRepository, hostsOf, nameOf } from '../config/git-repositories.ts'
import { askedOfHost } from '../credentials/asked.ts'
import { environmentTokens } from '../credentials/environment-tokens.ts'
import type { ForgeToken } from '../credentials/forge-token.ts'
import { findHostLogins, type HostLogin } from '../credentials/host-logins.ts'
import { findSigner, type Signer } from '../credentials/signer.ts'
import { tokenFor } from '../credentials/token-for.ts'
import { type Check, note, warning } from './diagnosis.ts'

/** What was found on the host. Holds no secret. */
export type HostCredentials = {
  tokens: readonly Pick<ForgeToken, 'host' | 'source'>[]
  logins: readonly HostLogin[]
  /** The key that the user's git signs with; null for none. */
  signer: string | null
}

/** Looks for tokens of the usual hosts, of those in the environment, and of the listed repositories. */
export async function findHostCredentials(
  repositories: readonly GitRepository[],
  asked = askedOfHost(),
  findKey: () => Promise<Pick<Signer, 'what'>> = findSigner,
): Promise<HostCredentials> {
  const named = environmentTokens(asked.env).map(({ host }) => host)
  const hosts = [...new Set(['github.com', 'gitlab.com', ...named, ...hostsOf(repositories)])]
  const [tokens, logins, signer] = await Promise.all([
    Promise.all(hosts.map(host => tokenFor(host, asked))),
    findHostLogins(asked),
    findKey().then(
      ({ what }) => what,
      () => null,
    ),
  ])
  return {
    tokens: tokens.flatMap(token => (token ? [{ host: token.host, source: token.source }] : [])),
    logins,
    signer,
  }
}

/** Says where each would be used. None of them is copied into an agent's container. */
export function judgeHostCredentials(
  { tokens, logins, signer }: HostCredentials,
  repositories: readonly GitRepository[],
): Check[] {
  return [
    ...tokens.map(token => describeToken(token, repositories)),
    ...hostsOf(repositories)
      .filter(host => !tokens.some(token => token.host === host))
      .map(host =>
        warning(
          'credential-repository',
          `GIT_REPOSITORIES lists ${listed(repositories, host)}, but there is no token for ${host}`,
          `log in with gh auth login or git, then run ${command('stop')} and ${command('start')}`,
        ),
      ),
    ...(signer === null
      ? []
      : [
          note(
            'credential-signing',
            `${signer}: signs commits on this host when you push a session with --sign; no agent gets it`,
            '',
          ),
        ]),
    ...logins.map(describeLogin),
  ]
}

function describeToken(
  { host, source }: HostCredentials['tokens'][number],
  all: readonly GitRepository[],
) {
  const names = listed(all, host)
  const gateway = names === '' ? '' : `, and by the gateway for ${names}`
  const text = `${source}: token for ${host}, used on this host when you push or open a pull request${gateway}; no agent gets it`
  return note('credential-forge', text, '')
}

function listed(repositories: readonly GitRepository[], host: string): string {
  return repositories
    .filter(repository => repository.host === host)
    .map(nameOf)
    .join(', ')
}

function describeLogin({ kind, where }: HostLogin): Check {
  const place = terminalLine(where, 200)
  switch (kind) {
    case 'claude-code':
      return note(
        'credential-host',
        `Claude Code on this host is logged in (${place}); stacks neither use nor see that login`,
        '',
      )
    case 'console-key':
      return note(
        'credential-host',
        `Claude Code on this host has an API key (${place}); stacks neither use nor see it`,
        'to use it for stacks, put it into .env as ANTHROPIC_API_KEY',
      )
    case 'aws-profile':
      return note(
        'credential-host',
        `AWS profiles (${place}) are not used; Amazon Bedrock takes the keys of the environment or .env`,
        'aws configure export-credentials --format env prints those of a profile',
      )
    case 'google-login':
      return note(
        'credential-host',
        `the login of gcloud (${place}) is not used; Vertex AI takes the key of a service account`,
        'set GOOGLE_APPLICATION_CREDENTIALS to that key in .env',
      )
    default:
      return kind satisfies never
  }
}
