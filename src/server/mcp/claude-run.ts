import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { parseJson } from '../../base/json.ts'
import { RunRequest } from '../../run/request.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { RunStarter } from '../../tenants/run-starter.ts'
import { findWorkspace } from '../../tenants/workspace.ts'
import { begun } from '../api/run.ts'
import type { ServerLimits } from '../limits.ts'
import type { Call, Serve } from './call.ts'
import { lenient } from './lenient.ts'
import { type AnsweredRun, type AskedCodec, answeredRun, settle } from './run-answers.ts'
import { RunOutput } from './run-output.ts'
import type { RunRate } from './run-rate.ts'
import { waitSeconds } from './run-tools.ts'

/** A text that may be left out; models send an empty one for that. */
const text = z.string().default('')

const ClaudeRun = z.object({
  prompt: z.string().min(1).describe('What Claude Code is to do.'),
  model: z
    .string()
    .optional()
    .meta({ default: 'haiku', description: 'haiku, sonnet, opus, or a full name.' }),
  system_prompt: text.describe("Replaces Claude Code's own system prompt."),
  append_system_prompt: text.describe('Follows the system prompt.'),
  json_schema: text.describe('A JSON Schema as text; the answer then has this form.'),
  workspace: text.describe('Folder below the root; the root itself when left out.'),
  no_continue: z
    .boolean()
    .default(true)
    .describe('Begins a conversation; false goes on with the last one of the workspace.'),
  resume: text.describe('Goes on with this session_id of the workspace.'),
  effort: text.describe('low, medium, high, xhigh or max.'),
  wait_seconds: waitSeconds,
})
type ClaudeRun = z.infer<typeof ClaudeRun>

const inputSchema = lenient(ClaudeRun)

export type ClaudeRunParts = {
  server: McpServer
  serve: Serve
  codec: AskedCodec
  starter: RunStarter
  rate: RunRate
  limits: ServerLimits
  workspacesFolder: string
}

/** Registers the tool that runs a prompt. */
export function registerClaudeRun(parts: ClaudeRunParts) {
  const { server, serve, codec } = parts
  server.registerTool(
    'claude_run',
    {
      title: 'Run Claude Code',
      description:
        'Run a prompt through Claude Code in a workspace and return its answer. A run that takes longer than wait_seconds goes on, and run_result returns its answer.',
      inputSchema,
      outputSchema: RunOutput,
      annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
    },
    (given, ctx) =>
      serve(ctx, async call => {
        const run = (await continued(call)) ?? { runId: await started(given, call, parts) }
        return settle(call, run, { seconds: given.wait_seconds, server, codec })
      }),
  )
}

/** Returns the run of a call that comes back with answers. Its client's leaving still cancels it. */
async function continued(call: Call): Promise<AnsweredRun | null> {
  const run = await answeredRun(call)
  if (run === null) return null
  const cancel = () => void call.engine.cancel(run.runId).catch(() => {})
  if (call.over.aborted) cancel()
  call.over.addEventListener('abort', cancel, { once: true })
  return run
}

async function started(given: ClaudeRun, call: Call, parts: ClaudeRunParts): Promise<string> {
  const { starter, rate, limits, workspacesFolder } = parts
  const { caller } = call.exchange
  const request = requestOf(given, caller.token.models === undefined)
  const workspace = await findWorkspace(given.workspace || undefined, caller, workspacesFolder)
  if (!rate.take(caller.token.name)) {
    throw new HttpError(429, `more than ${limits.runsPerMinute} runs in a minute, retry later`)
  }
  const run = await starter.start({
    ...{ caller, workspace, request },
    surface: 'mcp',
    asks: true,
    // The answer of a call that is over reaches no one.
    signal: call.over,
  })
  call.exchange.noteRun(run.id)
  await begun(run, limits.startMilliseconds)
  return run.id
}

/** Builds the request. A token with a list of models has its own default. */
function requestOf(given: ClaudeRun, isAnyModel: boolean) {
  const session = given.resume
    ? { kind: 'resume' as const, id: given.resume }
    : { kind: given.no_continue ? ('fresh' as const) : ('continue' as const) }
  const schema = given.json_schema === '' ? undefined : parseJson(given.json_schema)
  if (given.json_schema !== '' && schema === undefined) {
    throw new HttpError(422, 'json_schema: must be JSON')
  }
  const parsed = RunRequest.safeParse({
    prompt: given.prompt,
    model: given.model || (isAnyModel ? 'haiku' : undefined),
    effort: given.effort || undefined,
    systemPrompt: given.system_prompt || undefined,
    appendSystemPrompt: given.append_system_prompt || undefined,
    jsonSchema: schema,
    session,
  })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new HttpError(422, `${nameOf(issue?.path[0])}: ${issue?.message}`)
}

/** Returns the tool's name for a member of the request. */
function nameOf(member: PropertyKey | undefined): string {
  if (member === 'session') return 'resume'
  return String(member).replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
