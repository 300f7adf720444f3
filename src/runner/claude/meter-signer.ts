import { UserError } from '../../base/errors.ts'
import type { Signer } from '../../base/run-placeholder.ts'
import { readRegularFileSync, textOf } from '../../files/regular-file.ts'

/** The variables in which the stack gives Claude Code its placeholder. */
export const placeholderVariables = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'] as const

/**
 * Returns what signs the names of processes; null without a key, or without a gateway, which speaks
 * plain HTTP in the stack. Runs can read neither the key nor this environment (Landlock).
 */
export function readMeterSigner(env: NodeJS.ProcessEnv, file: string | undefined): Signer | null {
  const [placeholder] = placeholderVariables.flatMap(name => env[name] || [])
  if (file === undefined || !placeholder || !env.ANTHROPIC_BASE_URL?.startsWith('http://')) {
    return null
  }
  // The host owns the path.
  const key = textOf(readRegularFileSync(file, { limit: 128, follow: true }))?.trim() ?? ''
  if (/^[A-Za-z0-9_-]{43}$/.test(key)) return { placeholder, key }
  throw new UserError(`${file} does not contain a key of 43 characters`, {
    hint: 'take the stack down and start it again: each start writes this file',
  })
}
