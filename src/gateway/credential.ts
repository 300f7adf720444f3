import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod/mini'
import { UserError } from '../base/errors.ts'

/** Characters allowed in a header value: any other could end the header and begin another. */
const headerToken = z.string().check(z.minLength(16), z.maxLength(4096), z.regex(/^[\x21-\x7e]+$/))

/**
 * The real credential and the placeholder that the stack's callers send in its place. Both are of one
 * kind, because Claude Code shapes its requests by the kind it has.
 */
export const Credential = z
  .strictObject({
    kind: z.enum(['api-key', 'oauth-token']),
    secret: headerToken,
    placeholder: headerToken,
  })
  // If the placeholder were the secret, the agent would hold the secret.
  .check(z.refine(credential => credential.secret !== credential.placeholder))
export type Credential = z.infer<typeof Credential>

export interface CredentialSource {
  /**
   * Returns the current credential. Throws a `UserError` when there is none; never returns an old one.
   */
  read(): Promise<Credential>
}

/** Number of reads: the host rewrites the file in place, so a read may find it half written. */
const attempts = 4
const attemptMilliseconds = 50

/** Reads the credential's file, and again whenever the file has changed. */
export function createCredentialFile(path: string): CredentialSource {
  let known: { stamp: string; credential: Credential } | undefined

  async function load(): Promise<Credential> {
    const file = await open(path, 'r')
    try {
      // Take the stamp before the content: a write in between changes the stamp of the next read.
      const { mtimeNs, ctimeNs, size, ino, dev } = await file.stat({ bigint: true })
      const stamp = [mtimeNs, ctimeNs, size, ino, dev].join()
      if (known?.stamp !== stamp) {
        known = { stamp, credential: parseCredential(await file.readFile('utf8')) }
      }
      return known.credential
    } finally {
      await file.close()
    }
  }

  return {
    async read() {
      for (let attempt = 1; ; attempt++) {
        try {
          return await load()
        } catch (error) {
          known = undefined
          const code = systemCode(error)
          if (code !== undefined || attempt === attempts) throw unusable(path, code)
          await sleep(attemptMilliseconds)
        }
      }
    },
  }
}

function parseCredential(text: string): Credential {
  return Credential.parse(JSON.parse(text))
}

function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}

const reasons = new Map([
  ['ENOENT', 'it is missing'],
  ['EACCES', 'it may not be read'],
])

/** Builds the error without a cause on purpose: the text of a JSON error quotes the input. */
function unusable(path: string, code: string | undefined) {
  const reason = code === undefined ? 'it is not valid' : (reasons.get(code) ?? code)
  return new UserError(`the gateway cannot use its credential file ${path}: ${reason}`, {
    hint: 'on the host: set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in .env beside claude.ts, then run ./claude.ts start',
  })
}
