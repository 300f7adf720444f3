import { parseDuration } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import { isRecord, parseJson } from '../../base/json.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { JsonKeys } from '../../run/camel-keys.ts'
import { modelAliases } from '../../run/claude-names.ts'
import { defaultQuestionSeconds } from '../../run/question.ts'
import { instructionBytes, RunRequest } from '../../run/request.ts'
import { calledAs } from '../called-as.ts'
import type { OutputFormat } from './output-format.ts'
import { readOptionFile } from './prompt.ts'
import { refuseUnknownModel, refuseUnknownTools } from './refuse-unknown.ts'

/** The options of `run` that make up the request to Claude Code, as typed. */
export type RequestOptions = {
  model?: string
  effort?: string
  systemPrompt?: string
  systemPromptFile?: string
  appendSystemPrompt?: string
  appendSystemPromptFile?: string
  jsonSchema?: string
  continue?: boolean
  resume?: string
  timeout?: string
  maxBudgetUsd?: string
  maxTurns?: string
  tools?: string
}

/** All options of `run`, as typed. */
export type RunCommandOptions = RequestOptions & {
  promptFile?: string
  outputFormat: OutputFormat
  keys?: JsonKeys
  includePartialMessages?: boolean
  copy?: boolean
  quiet?: boolean
  detach?: boolean
  wait?: boolean
  askTimeout?: string
}

/** Messages for invalid values in terms of the flags, in place of the schema's own field names. */
const flags: Record<string, { flag: string; hint: string; wrong?: string }> = {
  model: { flag: '--model', hint: `use ${modelAliases.slice(0, 3).join(', ')} or a full name` },
  effort: {
    flag: '--effort',
    hint: 'use one of low, medium, high, xhigh, max',
    wrong: 'is not a level',
  },
  session: { flag: '--resume', hint: 'find the session id in the result: --output-format json' },
  tools: {
    flag: '--tools',
    hint: 'name them with commas, for example: --tools Bash,Read; --tools "" for none',
  },
  maxTurns: {
    flag: '--max-turns',
    hint: 'give a whole number, for example: --max-turns 20',
    wrong: 'must be a whole number from 1 to 10000',
  },
  maxBudgetUsd: {
    flag: '--max-budget-usd',
    hint: 'give an amount, for example: --max-budget-usd 0.50',
    wrong: 'must be an amount in dollars, more than 0',
  },
  timeoutSeconds: {
    flag: '--timeout',
    hint: 'give a duration, for example: --timeout 10m; a bare number is seconds',
    wrong: 'must be a time between 1s and 24h',
  },
  systemPrompt: { flag: '--system-prompt', hint: 'shorten it to at most 1 MiB' },
  appendSystemPrompt: { flag: '--append-system-prompt', hint: 'shorten it to at most 1 MiB' },
}

const upstreamHasOwnNames = async () =>
  (await import('../../operations/own-model-names.ts')).upstreamHasOwnNames()

/** Builds the request from a command line. */
export async function buildRequest(
  prompt: string,
  options: RequestOptions,
  hasOwnNames: () => Promise<boolean> = upstreamHasOwnNames,
): Promise<RunRequest> {
  const [systemPrompt, appendSystemPrompt, jsonSchema] = await Promise.all([
    textOption('--system-prompt', options.systemPrompt, options.systemPromptFile),
    textOption(
      '--append-system-prompt',
      options.appendSystemPrompt,
      options.appendSystemPromptFile,
    ),
    schemaOption(options.jsonSchema),
  ])
  const tools = toolsOption(options.tools)
  // Before the schema, which knows only the form of a name.
  if (tools) refuseUnknownTools(tools)
  const given = {
    prompt,
    model: options.model,
    effort: options.effort,
    systemPrompt,
    appendSystemPrompt,
    jsonSchema,
    session: sessionOption(options),
    tools,
    maxTurns: numberOption(options.maxTurns),
    maxBudgetUsd: numberOption(options.maxBudgetUsd),
    timeoutSeconds: timeoutOption(options.timeout),
  }
  const defined = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  )
  const parsed = RunRequest.safeParse(defined)
  if (parsed.success) {
    const { model } = parsed.data
    if (model !== undefined) await refuseUnknownModel(model, hasOwnNames)
    return parsed.data
  }
  const issue = parsed.error.issues[0]
  const field = String(issue?.path[0])
  const { flag, hint, wrong } = flags[field] ?? {
    flag: field,
    hint: `run ${calledAs()} run --help for its options`,
  }
  const typed = {
    model: options.model,
    effort: options.effort,
    session: options.resume,
    tools: options.tools,
    maxTurns: options.maxTurns,
    maxBudgetUsd: options.maxBudgetUsd,
    timeoutSeconds: options.timeout,
  }[field]
  const value = typed === undefined ? '' : ` ${terminalLine(typed, 60)}`
  throw new UserError(`${flag}${value}: ${wrong ?? issue?.message ?? 'is not valid'}`, {
    hint,
    exitCode: 2,
  })
}

function sessionOption({ continue: goesOn, resume }: RequestOptions) {
  if (resume !== undefined && goesOn !== undefined) {
    throw new UserError(`--resume and ${goesOn ? '--continue' : '--no-continue'} were given`, {
      hint: 'give one of them: a run resumes a session, continues the last one, or starts a new one',
      exitCode: 2,
    })
  }
  if (resume !== undefined) return { kind: 'resume', id: resume }
  return { kind: goesOn === false ? 'fresh' : 'continue' }
}

async function textOption(flag: string, text: string | undefined, path: string | undefined) {
  if (text !== undefined && path !== undefined) {
    throw new UserError(`${flag} and ${flag}-file were given`, {
      hint: 'give one of them',
      exitCode: 2,
    })
  }
  return path === undefined ? text : readOptionFile(`${flag}-file`, path, instructionBytes)
}

/** Parses a schema given inline, or reads it from a file. */
async function schemaOption(given: string | undefined): Promise<unknown> {
  if (given === undefined) return undefined
  const inline = given.trimStart().startsWith('{')
  const text = inline ? given : await readOptionFile('--json-schema', given, instructionBytes)
  const schema = parseJson(text)
  if (isRecord(schema)) return schema
  throw new UserError(`--json-schema ${terminalLine(given, 60)} is not a JSON object`, {
    hint: 'give a JSON Schema, or the path of a file that contains one',
    exitCode: 2,
  })
}

function toolsOption(given: string | undefined) {
  if (given === undefined || given === 'default') return undefined
  return given.split(/[\s,]+/).filter(Boolean)
}

/** Parses a duration; a bare number is seconds, as for coreutils' `timeout`. */
function timeoutOption(given: string | undefined) {
  if (given === undefined) return undefined
  return /^\d{1,9}$/.test(given) ? Number(given) : parseDuration(given)
}

/** Returns the seconds that a question waits for its answer. */
export function parseAskTimeout(given: string | undefined): number {
  const seconds = given === undefined ? defaultQuestionSeconds : timeoutOption(given)
  if (Number.isInteger(seconds) && Number(seconds) >= 1 && Number(seconds) <= 86_400) {
    return Number(seconds)
  }
  throw new UserError(
    `--ask-timeout ${terminalLine(given ?? '', 60)}: must be between 1s and 24h`,
    {
      hint: 'give a duration, for example: --ask-timeout 10m; a bare number is seconds',
      exitCode: 2,
    },
  )
}

/** Leaves non-numeric input unchanged; the schema rejects it. */
function numberOption(given: string | undefined) {
  return given === undefined || !/^\d+(\.\d+)?$/.test(given) ? given : Number(given)
}
