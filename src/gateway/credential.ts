import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod/mini'
import { command } from '../base/command.ts'
import { systemCode, UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { GitAccess } from './git/access.ts'

/** Characters allowed in a header value: any other could end the header and begin another. */
const headerToken = z.string().check(z.minLength(16), z.maxLength(4096), z.regex(/^[\x21-\x7e]+$/))

/** A private key as PEM. It signs, and is never sent. */
const privateKey = z
  .string()
  .check(
    z.maxLength(8192),
    z.regex(/^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END PRIVATE KEY-----\n?$/),
  )

const placeholder = headerToken

/** Signs the names of processes, and is never sent. */
const meterKey = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/))

/**
 * A tenant of a server: its own placeholder, key and budget of a day (UTC). The host writes the file
 * again when one changes.
 */
const CallerEntry = z.strictObject({
  tenant: z.string().check(z.regex(/^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/)),
  placeholder,
  meterKey,
  budget: z.strictObject({
    usdPerDay: z.optional(z.number().check(z.nonnegative())),
    tokensPerDay: z.optional(z.int().check(z.nonnegative())),
  }),
})

/** Whom the gateway serves, and what. A stack without callers has one, by the credential's own placeholder. */
const callers = {
  placeholder,
  meterKey: z.optional(meterKey),
  callers: z.optional(z.array(CallerEntry).check(z.minLength(1), z.maxLength(16))),
  /** What a stack without tenants may reach by git. */
  git: z.optional(GitAccess),
}

/**
 * The real credential and the placeholder that the stack's callers send in its place. The placeholder is
 * an OAuth token for an OAuth token, because Claude Code shapes its requests by the kind it has, and an
 * API key for every other kind.
 */
export const Credential = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('api-key'), secret: headerToken, ...callers }),
    z.strictObject({ kind: z.literal('oauth-token'), secret: headerToken, ...callers }),
    z.strictObject({ kind: z.literal('bearer'), secret: headerToken, ...callers }),
    z.strictObject({
      kind: z.literal('aws-key'),
      accessKeyId: headerToken,
      secret: headerToken,
      sessionToken: z.optional(headerToken),
      ...callers,
    }),
    z.strictObject({
      kind: z.literal('google-key'),
      clientEmail: headerToken,
      secret: privateKey,
      ...callers,
    }),
  ])
  // If the placeholder were the secret, the agent would hold the secret.
  .check(z.refine(({ secret, ...file }) => placeholdersOf(file).every(own => own !== secret)))
  // With one placeholder or folder for two, a tenant would spend another's budget.
  .check(
    z.refine(({ callers = [] }) => isUnique(callers.map(({ tenant }) => tenant))),
    z.refine(({ callers = [] }) => isUnique(callers.map(({ placeholder }) => placeholder))),
  )
export type Credential = z.infer<typeof Credential>

function placeholdersOf(file: {
  placeholder: string
  callers?: { placeholder: string }[] | undefined
}) {
  return [file, ...(file.callers ?? [])].map(({ placeholder }) => placeholder)
}

function isUnique(names: readonly string[]): boolean {
  return new Set(names).size === names.length
}

/** Who may send requests, and whose usage they are. */
export type Caller = {
  /** Null for a stack without tenants. */
  tenant: string | null
  placeholder: string
  /** Undefined when nothing signs the names of processes. */
  meterKey?: string | undefined
  /** Dollars and tokens of a day (UTC); undefined for no limit of its own. */
  budget: { usdPerDay?: number | undefined; tokensPerDay?: number | undefined }
}

/** Returns all callers. With tenants, the gateway refuses the credential's own placeholder. */
export function callersOf({ placeholder, meterKey, callers }: Credential): readonly Caller[] {
  return callers ?? [{ tenant: null, placeholder, meterKey, budget: {} }]
}

/** Returns the kind of the placeholder that stands for a credential. */
export function placeholderKind({ kind }: Pick<Credential, 'kind'>): 'api-key' | 'oauth-token' {
  return kind === 'oauth-token' ? 'oauth-token' : 'api-key'
}

export interface CredentialSource {
  /**
   * Returns the current credential. Throws a `UserError` when there is none; never returns an old one.
   */
  read(): Promise<Credential>
}

/** Maximum bytes: the credential, the tenants, the repositories with their tokens, and JSON around them. */
const limit = 64 * 1024

/** Number of reads: the host rewrites the file in place, so a read may find it half written. */
const attempts = 4
const attemptMilliseconds = 50

/** Reads the credential's file at each request; parses it when its content has changed. */
export function createCredentialFile(path: string): CredentialSource {
  let known: { content: Buffer; credential: Credential } | undefined

  return {
    async read() {
      for (let attempt = 1; ; attempt++) {
        const content = await readContent(path)
        if (known?.content.equals(content)) return known.credential
        known = undefined
        const credential = parseCredential(content.toString())
        if (credential) {
          known = { content, credential }
          return credential
        }
        if (attempt === attempts) throw unusable(path, 'it is not valid')
        await sleep(attemptMilliseconds)
      }
    },
  }
}

async function readContent(path: string): Promise<Buffer> {
  // The host owns the path, which the agent cannot reach.
  const file = await readRegularFile(path, { limit, follow: true }).catch((error: unknown) => {
    const code = systemCode(error)
    throw unusable(path, code === 'EACCES' ? 'it may not be read' : (code ?? 'it cannot be read'))
  })
  switch (file.kind) {
    case 'bytes':
      return file.bytes
    case 'missing':
      throw unusable(path, 'it is missing')
    case 'too-large':
      throw unusable(path, `it is larger than ${limit / 1024} KiB`)
    default:
      throw unusable(path, 'it is not a regular file')
  }
}

function parseCredential(text: string): Credential | null {
  const parsed = Credential.safeParse(parseJson(text))
  return parsed.success ? parsed.data : null
}

/** Builds the error without a cause on purpose: no part of the file may reach a log. */
function unusable(path: string, reason: string) {
  return new UserError(`the gateway cannot use its credential file ${path}: ${reason}`, {
    hint: `on the host: set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN, or the credential of your model upstream, in .env beside claude.ts, then run ${command('start')}`,
  })
}
