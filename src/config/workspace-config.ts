import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { issueMessage, nearestName } from './issue-message.ts'
import { workspaceConfigName } from './protected-names.ts'

// The user approves this text, so it must be fully visible: short, and without invisible characters.
const text = z
  .string()
  .min(1)
  .max(400)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
  .regex(/^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/, {
    error: 'contains characters that a terminal does not show',
  })
const off = z.boolean().default(false)

/** Supported keys of claude-code-runner. */
const Known = z.strictObject({
  /** Same as `CLAUDE_ENV_…`. */
  environment: z.record(z.string(), z.string()).default({}),
  /** A file of `NAME=value` lines in the workspace; `environment` overrides it. */
  envFile: text.optional(),
  /** Same as `CLAUDE_MOUNT_…`, `src:dst[:ro]`. */
  volumes: z.array(text).max(64).default([]),
  mounts: z
    .array(z.strictObject({ source: text, target: text, readonly: off }))
    .max(64)
    .default([]),
  /** Run as the agent, in its container, each time the container comes up. */
  setupCommands: z.array(text).max(64).default([]),
  maxThinkingTokens: z.int().min(0).max(1_000_000).optional(),
  /** Milliseconds. */
  bashTimeout: z.int().min(1_000).max(86_400_000).optional(),
  /** Permission prompts are off, so a shorter list would have no effect. */
  allowedTools: z
    .array(text)
    .max(256)
    .refine(tools => tools.length === 1 && tools[0] === '*', {
      error: 'can only be ["*"]: `run --tools` selects the tools of a run',
    })
    .optional(),
  // Options for git sessions.
  autoPush: off,
  autoCreatePR: off,
  autoStartClaude: z.boolean().default(true),
  forwardSshKeys: off,
  forwardGpgKeys: off,
  forwardSshAgent: off,
  enableGpgSigning: off,
  // Accepted without effect: the behaviour they select is fixed here.
  detached: z.boolean().optional(),
  containerPrefix: text.optional(),
  dockerImage: text.optional(),
  buildImage: z.boolean().optional(),
})
export type WorkspaceConfig = z.infer<typeof Known>

export const withoutEffect = ['detached', 'containerPrefix', 'dockerImage', 'buildImage'] as const
export const ofSessions = [
  ...(['autoPush', 'autoCreatePR', 'autoStartClaude', 'forwardSshKeys'] as const),
  ...(['forwardGpgKeys', 'forwardSshAgent', 'enableGpgSigning'] as const),
] as const

/** Keys of claude-code-runner that are rejected, and the alternative for each. */
const refused: Readonly<Record<string, string>> = {
  dockerSocketPath: "the engine's socket gives control of the host: remove it",
  dockerfile: 'it would be built as root, and the agent can write it: set DOCKERFILE= in .env',
  claudeConfigPath: "the agent has its own home and never gets the host's ~/.claude: remove it",
}

const names = [...Object.keys(Known.shape), ...Object.keys(refused)]

/** @throws UserError with the wrong key and the nearest valid one. */
export function parseWorkspaceConfig(json: string): WorkspaceConfig {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new UserError(`${workspaceConfigName} is not JSON`, {
      hint: 'remove comments, and commas after a last entry',
      cause,
    })
  }
  value = withoutNulls(value)
  for (const key of typeof value === 'object' && value !== null ? Object.keys(value) : []) {
    const reason = Object.hasOwn(refused, key) ? refused[key] : undefined
    if (reason) throw wrong(`${key} is refused`, reason)
    if (!names.includes(key)) {
      const near = nearestName(key, names)
      const hint = near ? `did you mean ${near}?` : 'docs/additions.md lists every key'
      throw wrong(`unknown key ${terminalLine(key, 60)}`, hint)
    }
  }
  const result = Known.safeParse(value, { error: issueMessage })
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = terminalLine((issue?.path ?? []).join('.'), 60)
  throw wrong(
    `${path ? `${path}:` : 'it'} ${terminalLine(issue?.message ?? 'is not valid')}`,
    'docs/additions.md lists every key',
  )
}

/** Drops keys that are null: claude-code-runner's own example uses null for an absent key. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).filter(([key, given]) => given !== null || !names.includes(key)),
  )
}

function wrong(what: string, hint: string) {
  return new UserError(`${workspaceConfigName}: ${what}`, { hint })
}

/** Returns the requests that need the user's approval, one line each: the workspace is untrusted. */
export function demandsOf(config: WorkspaceConfig): string[] {
  const { environment, envFile, volumes, mounts, setupCommands } = config
  return [
    ...Object.keys(environment).map(name => `the variable ${name}`),
    ...(envFile === undefined ? [] : [`the variables of ${envFile}`]),
    ...volumes.map(volume => `the mount ${volume}`),
    ...mounts.map(
      ({ source, target, readonly }) => `the mount ${source}:${target}${readonly ? ':ro' : ''}`,
    ),
    ...setupCommands.map(command => `the command in its container: ${command}`),
  ].map(line => terminalLine(line, 500))
}
