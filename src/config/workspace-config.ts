import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { nearestName } from './nearest-name.ts'
import { workspaceConfigName } from './protected-names.ts'
import { schemaWords } from './schema-words.ts'

// What a person is asked about must be what he sees: short, and without characters that are not shown.
const text = z
  .string()
  .min(1)
  .max(400)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
  .regex(/^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/, {
    error: 'holds characters that a terminal does not show',
  })
const off = z.boolean().default(false)

/** Keys of claude-code-runner that have a meaning here. */
const Known = z.strictObject({
  /** As `CLAUDE_ENV_…`. */
  environment: z.record(z.string(), z.string()).default({}),
  /** A file of `NAME=value` lines in the workspace, below `environment`. */
  envFile: text.optional(),
  /** As `CLAUDE_MOUNT_…`, `src:dst[:ro]`. */
  volumes: z.array(text).max(64).default([]),
  mounts: z
    .array(z.strictObject({ source: text, target: text, readonly: off }))
    .max(64)
    .default([]),
  /** Run as the agent, in its container, each time that comes up. */
  setupCommands: z.array(text).max(64).default([]),
  maxThinkingTokens: z.int().min(0).max(1_000_000).optional(),
  /** Milliseconds. */
  bashTimeout: z.int().min(1_000).max(86_400_000).optional(),
  /** Permission prompts are off, so a shorter list would promise what it does not keep. */
  allowedTools: z
    .array(text)
    .max(256)
    .refine(tools => tools.length === 1 && tools[0] === '*', {
      error: 'can only be ["*"]: `run --tools` says which tools a run has',
    })
    .optional(),
  // Of git sessions.
  autoPush: off,
  autoCreatePR: off,
  autoStartClaude: z.boolean().default(true),
  forwardSshKeys: off,
  forwardGpgKeys: off,
  forwardSshAgent: off,
  enableGpgSigning: off,
  // Taken and without effect: what they choose is given here.
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

/** Keys of theirs that are refused, and what to do instead. */
const refused: Readonly<Record<string, string>> = {
  dockerSocketPath: 'whoever has the socket of the engine has the host: remove it',
  dockerfile:
    'it would be built as root, and lies where the agent writes: name it with DOCKERFILE= in .env',
  claudeConfigPath: "the agent has a home of its own and never the host's ~/.claude: remove it",
}

const names = [...Object.keys(Known.shape), ...Object.keys(refused)]

/** @throws UserError with the key that is wrong, and the one that was meant. */
export function parseWorkspaceConfig(json: string): WorkspaceConfig {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new UserError(`${workspaceConfigName} is no JSON`, {
      hint: 'comments and commas after the last entry are not allowed',
      cause,
    })
  }
  value = withoutNulls(value)
  for (const key of typeof value === 'object' && value !== null ? Object.keys(value) : []) {
    const reason = Object.hasOwn(refused, key) ? refused[key] : undefined
    if (reason) throw wrong(`${key} is refused`, reason)
    if (!names.includes(key)) {
      const near = nearestName(key, names)
      const hint = near ? `did you mean ${near}?` : 'docs/additions.md has every key'
      throw wrong(`unknown key ${terminalLine(key, 60)}`, hint)
    }
  }
  const result = Known.safeParse(value, { error: schemaWords })
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = terminalLine((issue?.path ?? []).join('.'), 60)
  throw wrong(
    `${path ? `${path}:` : 'it'} ${terminalLine(issue?.message ?? 'is not valid')}`,
    'docs/additions.md has every key',
  )
}

/** As claude-code-runner's own example has it: a key that is null is one that is not there. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).filter(([key, given]) => given !== null || !names.includes(key)),
  )
}

function wrong(what: string, hint: string) {
  return new UserError(`${workspaceConfigName}: ${what}`, { hint })
}

/** What of it a person has to have said yes to, one line each: it lies in the workspace. */
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
