import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { readEnvFile } from './env-file.ts'
import { meantForClaude, upstreamChoices, upstreamSettings } from './model-upstream.ts'
import { settingNames } from './setting-names.ts'
import type { Settings } from './settings.ts'

/** Variables by which Claude Code would use an upstream that the gateway cannot translate to. */
const unsupported: readonly string[] = [
  'CLAUDE_CODE_USE_FOUNDRY',
  'CLAUDE_CODE_USE_MANTLE',
  'CLAUDE_CODE_USE_ANTHROPIC_AWS',
  'CLAUDE_CODE_SKIP_BEDROCK_AUTH',
  'CLAUDE_CODE_SKIP_VERTEX_AUTH',
  'ANTHROPIC_BEDROCK_BASE_URL',
  'ANTHROPIC_VERTEX_BASE_URL',
  'ANTHROPIC_FOUNDRY_BASE_URL',
  'ANTHROPIC_FOUNDRY_RESOURCE',
  'ANTHROPIC_CUSTOM_HEADERS',
  'ANTHROPIC_UNIX_SOCKET',
]

/**
 * Refuses variables that choose an upstream and would have no effect: the user believes that requests go
 * there. Other programs use `AWS_REGION` and the like, so those are refused in `.env` alone.
 */
export async function refuseUpstreams(
  settings: Settings,
  root: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const file = join(root, '.env')
  const variable = unsupported.find(name => env[name])
  if (variable) {
    throw new UserError(`environment: ${variable} is set, and claude-secure does not support it`, {
      hint: `unset ${variable}; docs/credentials.md lists the supported upstreams`,
    })
  }
  const fromFile = await readEnvFile(file, settingNames)
  const chosen: readonly string[] = upstreamChoices(settings)
  for (const [choice, parts] of Object.entries(upstreamSettings)) {
    if (chosen.includes(choice)) continue
    const inFile = parts.find(name => fromFile[name])
    // From the settings, because loading them took the secrets out of the environment.
    const inShell = parts.find(name => meantForClaude.includes(name) && settings[name])
    const name = inFile ?? inShell
    if (name === undefined) continue
    const value = choice === 'ANTHROPIC_BASE_URL' ? choice : `${choice}=1`
    throw new UserError(
      `${inFile ? file : 'environment'}: ${name} has no effect without ${value}`,
      { hint: `set ${value} as well, or ${inFile ? 'remove' : 'unset'} ${name}` },
    )
  }
}
