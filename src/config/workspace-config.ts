import * as z from 'zod'
import { createProblems, UserError } from '../base/errors.ts'
import { isRecord } from '../base/json.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { mostRepositories, parseGitRepository } from './git-repositories.ts'
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

/**
 * Keys of claude-code-runner and of its predecessor that select what does not exist here, such as other agents and
 * a home on the host, or that a person chooses instead: where a session begins on the remote, and so what a push
 * changes there. A file that has them is taken as it is.
 */
const keysOfOthers = [
  ...(['codeRunner', 'defaultShell', 'claudeConfigPath', 'codexConfigPath'] as const),
  ...(['kimiConfigPath', 'qwenConfigPath', 'geminiConfigPath', 'opencodeConfigPath'] as const),
  ...(['remoteBranch', 'prNumber', 'forwardGpgAgent'] as const),
  ...(['useWebUI', 'restartPolicy', 'autoCommit', 'autoCommitIntervalMinutes'] as const),
  ...(['shadowBasePath'] as const),
]
const anyValue = z.union([text, z.number(), z.boolean()]).optional()

/** Supported keys: those of claude-code-runner, and `gitRepositories`. */
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
  /** Same as `GIT_REPOSITORIES`. */
  gitRepositories: z
    .array(
      text.refine(value => parseGitRepository(value) !== null, {
        error: 'must be a repository such as github.com/me/app or github.com/me/lib:ro',
      }),
    )
    .max(mostRepositories)
    .default([]),
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
  includeUntracked: off,
  /** Name of the branch of a new session. */
  targetBranch: text.optional(),
  skipReconnectCheck: off,
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
  ...Object.fromEntries(keysOfOthers.map(key => [key, anyValue])),
})
export type WorkspaceConfig = z.infer<typeof Known> & {
  /** Keys of the file that change nothing here, in its order. */
  unused: readonly string[]
}

/** Options of git sessions. */
export const ofSessions = [
  ...(['autoPush', 'autoCreatePR', 'autoStartClaude', 'forwardSshKeys'] as const),
  ...(['forwardGpgKeys', 'forwardSshAgent', 'enableGpgSigning'] as const),
] as const

const withoutEffect: readonly string[] = [
  ...['detached', 'containerPrefix', 'dockerImage', 'buildImage'],
  ...ofSessions,
  ...keysOfOthers,
]

/** Keys of claude-code-runner that are rejected, and the alternative for each. */
const refused: Readonly<Record<string, string>> = {
  dockerSocketPath: "the engine's socket gives control of the host: remove it",
  dockerfile: 'it would be built as root, and the agent can write it: set DOCKERFILE= in .env',
}

const names = [...Object.keys(Known.shape), ...Object.keys(refused)]

/**
 * Parses a configuration; its errors name `file`.
 *
 * @throws UserError with every wrong key and the nearest valid one.
 */
export function parseWorkspaceConfig(
  json: string,
  file: string = workspaceConfigName,
): WorkspaceConfig {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new UserError(`${file} is not JSON`, {
      hint: 'remove comments, and commas after a last entry',
      cause,
    })
  }
  const given = withoutNulls(value)
  const keys = typeof given === 'object' && given !== null ? Object.keys(given) : []
  const problems = createProblems()
  const wrong = (what: string, hint: string) =>
    problems.add(new UserError(`${file}: ${what}`, { hint }))
  for (const key of keys) {
    const reason = Object.hasOwn(refused, key) ? refused[key] : undefined
    if (reason) wrong(`${key} is refused`, reason)
    else if (!names.includes(key)) {
      const near = nearestName(key, names)
      wrong(
        `unknown key ${terminalLine(key, 60)}`,
        near ? `did you mean ${near}?` : 'docs/additions.md lists every key',
      )
    }
  }
  const known = (key: string) => Object.hasOwn(Known.shape, key)
  const result = Known.safeParse(
    isRecord(given)
      ? Object.fromEntries(Object.entries(given).filter(([key]) => known(key)))
      : given,
    { error: issueMessage },
  )
  for (const issue of result.error?.issues ?? []) {
    const path = terminalLine(issue.path.join('.'), 60)
    const what = `${path ? `${path}:` : 'it'} ${terminalLine(issue.message)}`
    wrong(what, 'docs/additions.md lists every key')
  }
  problems.throwIfAny()
  if (!result.data)
    throw new UserError(`${file} is not valid`, { hint: 'compare docs/additions.md' })
  return { ...result.data, unused: keys.filter(key => withoutEffect.includes(key)) }
}

/** Drops keys that are null: claude-code-runner's own example uses null for an absent key. */
function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).filter(([key, given]) => given !== null || !names.includes(key)),
  )
}
