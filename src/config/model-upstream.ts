import { UserError } from '../base/errors.ts'
import type { Settings } from './settings.ts'

/** The service that runs the model. */
export type ModelUpstream =
  | { kind: 'anthropic' }
  /** A gateway of a company that speaks the Messages API. */
  | { kind: 'company'; url: string }
  | { kind: 'bedrock'; region: string }
  | { kind: 'vertex'; region: string; project: string }

/** The settings that choose an upstream, each with the settings that only it uses. */
export const upstreamSettings = {
  ANTHROPIC_BASE_URL: ['ANTHROPIC_AUTH_TOKEN', 'UPSTREAM_PRIVATE'],
  CLAUDE_CODE_USE_BEDROCK: [
    'AWS_REGION',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_BEARER_TOKEN_BEDROCK',
  ],
  CLAUDE_CODE_USE_VERTEX: [
    'CLOUD_ML_REGION',
    'ANTHROPIC_VERTEX_PROJECT_ID',
    'GOOGLE_APPLICATION_CREDENTIALS',
  ],
} as const
export type UpstreamChoice = keyof typeof upstreamSettings

/** Parts of an upstream that no other program uses, so that one in the shell is meant for Claude Code. */
export const meantForClaude: readonly string[] = [
  'ANTHROPIC_AUTH_TOKEN',
  'AWS_BEARER_TOKEN_BEDROCK',
  'ANTHROPIC_VERTEX_PROJECT_ID',
]

const anthropic = 'https://api.anthropic.com'

/** Returns the settings that choose another upstream than Anthropic's API. */
export function upstreamChoices(settings: Settings): UpstreamChoice[] {
  const { ANTHROPIC_BASE_URL: url } = settings
  return [
    ...(url && new URL(url).origin !== anthropic ? (['ANTHROPIC_BASE_URL'] as const) : []),
    ...(settings.CLAUDE_CODE_USE_BEDROCK === '1' ? (['CLAUDE_CODE_USE_BEDROCK'] as const) : []),
    ...(settings.CLAUDE_CODE_USE_VERTEX === '1' ? (['CLAUDE_CODE_USE_VERTEX'] as const) : []),
  ]
}

/** Returns the upstream that the settings choose. Throws when they contradict each other or lack a part. */
export function modelUpstream(settings: Settings): ModelUpstream {
  const [choice, other] = upstreamChoices(settings)
  if (choice && other) {
    throw new UserError(`${other} cannot be combined with ${choice}`, {
      hint: 'keep one model upstream; docs/credentials.md describes them',
    })
  }
  switch (choice) {
    case undefined:
      return { kind: 'anthropic' }
    case 'ANTHROPIC_BASE_URL':
      return { kind: 'company', url: settings.ANTHROPIC_BASE_URL ?? '' }
    case 'CLAUDE_CODE_USE_BEDROCK': {
      const region = settings.AWS_REGION
      if (!region) throw lacks(choice, 'AWS_REGION')
      return { kind: 'bedrock', region }
    }
    case 'CLAUDE_CODE_USE_VERTEX': {
      const { CLOUD_ML_REGION: region, ANTHROPIC_VERTEX_PROJECT_ID: project } = settings
      if (!region) throw lacks(choice, 'CLOUD_ML_REGION')
      if (!project) throw lacks(choice, 'ANTHROPIC_VERTEX_PROJECT_ID')
      return { kind: 'vertex', region, project }
    }
    default:
      return choice satisfies never
  }
}

function lacks(choice: string, name: string) {
  return new UserError(`${choice}=1 needs ${name}`, { hint: `set ${name} beside it` })
}

/**
 * Returns the names of the upstream with this URL that the gateway needs besides Anthropic's: its one
 * name, and at Google the service for access tokens.
 */
export function upstreamSites(url: string): string[] {
  if (!URL.canParse(url) || new URL(url).origin === anthropic) return []
  const { hostname } = new URL(url)
  return hostname.endsWith('.googleapis.com') ? [hostname, 'oauth2.googleapis.com'] : [hostname]
}

export function upstreamUrl(upstream: ModelUpstream): string {
  switch (upstream.kind) {
    case 'anthropic':
      return anthropic
    case 'company':
      return upstream.url
    case 'bedrock': {
      const domain = upstream.region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
      return `https://bedrock-runtime.${upstream.region}.${domain}`
    }
    case 'vertex': {
      const { region } = upstream
      if (region === 'global') return 'https://aiplatform.googleapis.com'
      return region === 'us' || region === 'eu'
        ? `https://aiplatform.${region}.rep.googleapis.com`
        : `https://${region}-aiplatform.googleapis.com`
    }
    default:
      return upstream satisfies never
  }
}
