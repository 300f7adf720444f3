import * as z from 'zod'
import { isRecord, parseJson } from '../../base/json.ts'
import { SessionId } from '../../run/ids.ts'
import { RunRequest } from '../../run/request.ts'
import { HttpError, type Invalid, invalid, shownInput } from '../../tenants/http-error.ts'

/** Takes what clients of other languages send for a boolean. */
const lax = z.preprocess(value => words.get(value) ?? value, z.boolean())
const words = new Map<unknown, boolean>([
  ...([true, 'true', 'True', '1', 1, 'yes', 'on'] as const).map(word => [word, true] as const),
  ...([false, 'false', 'False', '0', 0, 'no', 'off'] as const).map(word => [word, false] as const),
])

const jsonSchema = z.preprocess(
  value => (typeof value === 'string' ? (parseJson(value) ?? value) : value),
  z.record(z.string(), z.unknown(), { error: 'must be a JSON Schema, as an object or a string' }),
)

const run = RunRequest.shape

/** The body of POST /run, as it is documented. */
export const RunBody = z.strictObject({
  prompt: run.prompt.describe('Text, or blocks of text, images and PDF documents.'),
  workspace: z
    .string()
    .max(4_096)
    .optional()
    .describe('Folder below the root; the root itself when left out.'),
  model: run.model.describe('An alias such as `opus`, or a full name.'),
  effort: run.effort,
  systemPrompt: run.systemPrompt.describe("Replaces Claude Code's own system prompt."),
  appendSystemPrompt: run.appendSystemPrompt,
  jsonSchema: jsonSchema.optional().describe('The answer then has `structuredOutput`.'),
  outputFormat: z
    .enum(['json', 'json-verbose'])
    .catch('json')
    .describe('`json-verbose` adds all turns. Any other value reads as `json`.'),
  noContinue: lax.default(false).describe('Starts a session instead of going on with the last.'),
  resume: SessionId.optional().describe('Goes on with this session of the workspace.'),
  async: lax.default(false).describe('Answers when the run has started.'),
  fireAndForget: lax.default(false).describe('The run goes on when the client leaves.'),
  timeoutSeconds: run.timeoutSeconds,
  maxBudgetUsd: run.maxBudgetUsd,
  maxTurns: run.maxTurns,
  tools: run.tools.describe('Built-in tools that the model may use; none when empty.'),
  asks: lax.default(false).describe('The model may ask; see POST /run/answer.'),
  questionSeconds: z.number().int().min(1).max(86_400).optional(),
})
export type RunBody = z.infer<typeof RunBody>

/** Every accepted spelling of a member. */
const spellings = new Map<string, keyof RunBody>([
  ...keysOf(RunBody.shape).flatMap(key => [[key, key] as const, [snake(key), key] as const]),
  ['async_mode', 'async'],
  ['asyncMode', 'async'],
])

/** A parsed body, and the names of its unknown members. */
export type ParsedBody = { body: RunBody; ignored: string[] }

/** Parses the body of POST /run. Throws a 422 with each problem. */
export function parseRunBody(input: unknown, { strict }: { strict: boolean }): ParsedBody {
  const { known, ignored } = readMembers(input, spellings)
  if (strict && ignored.length > 0) throw new HttpError(422, ignored.slice(0, 20).map(extra))
  return { body: parseMembers(RunBody, known), ignored }
}

/** Sorts the members of a JSON object by their spelling. `null` and `""` mean absent, as in claudebox. */
export function readMembers(input: unknown, names: ReadonlyMap<string, string>) {
  if (input === undefined) throw invalid(['body'], 'missing', 'Field required')
  if (!isRecord(input)) {
    const message = 'Input should be a valid dictionary or object to extract fields from'
    throw invalid(['body'], 'model_attributes_type', message, input)
  }
  const known: Record<string, unknown> = {}
  const ignored: string[] = []
  for (const [name, value] of Object.entries(input)) {
    const key = names.get(name)
    if (key === undefined) ignored.push(name)
    // The documented spelling wins over another of the same member.
    else if (value !== null && value !== '' && (known[key] === undefined || name === key)) {
      known[key] = value
    }
  }
  return { known, ignored }
}

export function parseMembers<T>(schema: z.ZodType<T>, known: Record<string, unknown>): T {
  const parsed = schema.safeParse(known)
  if (parsed.success) return parsed.data
  throw new HttpError(
    422,
    parsed.error.issues.slice(0, 20).map(issue => invalidOf(issue, known)),
  )
}

/** The header that names ignored members. Their names are the client's: encoded, and bounded. */
export function ignoredHeader(ignored: readonly string[]): Record<string, string> {
  if (ignored.length === 0) return {}
  const names = ignored.slice(0, 20).map(name => encoded(name))
  return { 'x-ignored-fields': names.join(',') }
}

function encoded(name: string): string {
  // A half of a surrogate pair cannot be encoded; Buffer replaces it.
  return encodeURIComponent(Buffer.from(name.slice(0, 64)).toString())
}

function invalidOf(issue: z.core.$ZodIssue, known: Record<string, unknown>): Invalid {
  const loc = ['body', ...issue.path.map(part => (typeof part === 'number' ? part : String(part)))]
  const [first] = issue.path
  const value = first === undefined ? known : known[String(first)]
  if (issue.path.length === 1 && value === undefined) {
    return { type: 'missing', loc, msg: 'Field required', input: {} }
  }
  const message =
    issue.code === 'invalid_union' ? 'must be text or a list of blocks' : issue.message
  return { type: typeOf(issue), loc, msg: message, input: shownInput(value) }
}

function typeOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `${issue.expected}_type`
  if (issue.code === 'invalid_value') return 'enum'
  if (issue.code === 'too_small') return 'greater_than_equal'
  if (issue.code === 'too_big') return 'less_than_equal'
  return 'value_error'
}

function extra(name: string): Invalid {
  const loc = ['body', name.slice(0, 64)]
  return { type: 'extra_forbidden', loc, msg: 'Extra inputs are not permitted', input: null }
}

function snake(key: string): string {
  return key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

function keysOf<T extends object>(value: T): (keyof T & string)[] {
  return Object.keys(value) as (keyof T & string)[]
}
