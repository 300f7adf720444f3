import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { command } from '../../base/command.ts'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { modelUpstream } from '../../config/model-upstream.ts'
import { type ParentProxy, readParentProxy } from '../../config/parent-proxy.ts'
import { refuseUpstreams } from '../../config/refused-upstreams.ts'
import type { Settings } from '../../config/settings.ts'
import { parseUpstreamRanges } from '../../egress/private-range.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { type HostNetwork, isIpv6Only, readHostNetwork } from '../../machine/host-network.ts'
import { type CredentialMode, credentialMode, hasCredential } from '../../stack/credential.ts'
import type { StackState } from '../../stack/inspect.ts'
import { readServiceAccount } from '../../stack/service-account.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import type { Context } from '../context.ts'
import { makePolicyReadable, readPolicyLists } from '../policy/policy-files.ts'

/** Checks everything that can be checked before a build or start, so that neither stops halfway. */
export async function checkConfiguration(
  settings: Settings,
  { root, stack }: { root: string; stack: string },
  /** Overrides the settings: `login`, or `rehearsal` for the demo. */
  mode?: CredentialMode,
) {
  await refuseUpstreams(settings, root, userEnvironment())
  checkBudget(settings, mode ?? credentialMode(settings))
  parseUpstreamRanges(settings.UPSTREAM_PRIVATE)
  if (modelUpstream(settings).kind === 'vertex') {
    await readServiceAccount(settings.GOOGLE_APPLICATION_CREDENTIALS ?? '')
  }
  await checkAuthorities(settings)
  const parent = await readParentProxy(settings, userEnvironment())
  refuseIpv6Only(await readHostNetwork(), parent)
  // Fail closed: an unreadable policy stops the start.
  readPolicyLists(root, stateFolder(stack))
  await makePolicyReadable(root, stateFolder(stack))
}

/** The networks of a stack are IPv4, so nothing would leave them (N10). */
export function refuseIpv6Only(host: HostNetwork, parent: ParentProxy | null): void {
  if (!isIpv6Only(host)) return
  const through = parent ? `, and neither does the way to the parent proxy ${parent.address}` : ''
  throw new UserError(`this host has no IPv4 way out, only IPv6${through}`, {
    hint: 'give the host an IPv4 address and route: the networks of a stack have no IPv6, because the policy is written for IPv4',
  })
}

/** Refuses a budget that is not enforced: it is worse than none. */
function checkBudget({ BUDGET_USD_PER_DAY: budget }: Settings, mode: CredentialMode) {
  if (mode !== 'login' || budget === undefined) return
  throw new UserError(
    `BUDGET_USD_PER_DAY=${budget} cannot be enforced: without a key or token in .env, Claude Code logs in by itself and bypasses the gateway`,
    {
      hint: 'set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in .env, or remove the budget from it',
    },
  )
}

/** Maximum bytes of the certificate file. All authorities that a system trusts take 250 KB. */
const largest = 10_000_000

async function checkAuthorities({ EXTRA_CA_CERTS: path }: Settings) {
  if (!path) return
  try {
    // The file will be mounted, so it must be a regular file even behind a symlink (threat C2).
    const file = await readRegularFile(path, { limit: largest, follow: true })
    if (file.kind === 'missing') throw new Error('it does not exist')
    if (file.kind === 'too-large') throw new Error(`it holds more than ${largest / 1e6} MB`)
    if (file.kind !== 'bytes') throw new Error('it is not a regular file')
    new X509Certificate(file.bytes)
  } catch (cause) {
    throw new UserError(
      `EXTRA_CA_CERTS=${path} is not a file of certificates: ${messageOf(cause)}`,
      {
        hint: 'name a PEM file in .env, or remove EXTRA_CA_CERTS from it',
        cause,
      },
    )
  }
}

/** Returns whether a start with these settings would be a login that the settings do not ask for. */
export function mayFallBack(settings: Settings): boolean {
  return settings.CREDENTIALS === 'auto' && !hasCredential(settings)
}

/** Modes without a credential in the gateway: nothing is lost when a login replaces them. */
const withoutCredential: readonly string[] = ['', 'login', 'rehearsal']

/**
 * Refuses a start that would become a login by accident: the stack has a credential that this call
 * lacks, or no person is there to log in. A login opens the login names for the agent.
 */
export function refuseFallback(
  { settings, canAsk, root }: Pick<Context, 'settings' | 'canAsk' | 'root'>,
  before: Pick<StackState, 'stack' | 'credentials'> | null,
): void {
  if (!mayFallBack(settings)) return
  const where = `${terminalLine(join(root, '.env'))} or the environment`
  if (before && !withoutCredential.includes(before.credentials)) {
    throw new UserError(
      `no credential in ${where}, and ${before.stack} runs with one: a login would replace it`,
      {
        hint: `set the credential again, or run ${command('stop')} first to log in instead`,
      },
    )
  }
  if (canAsk || before?.credentials === 'login') return
  throw new UserError(`no credential in ${where}, and no terminal to log in`, {
    hint: 'set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN there; CREDENTIALS=direct uses an earlier login',
  })
}
