import * as z from 'zod'
import { MessagesBody } from '../messages/messages-body.ts'
import { ChatBody } from '../openai/chat-body.ts'
import { ResponsesBody } from '../responses/responses-body.ts'
import { AnswerBody, answers, MessageBody } from './bodies.ts'
import { RunBody } from './run-body.ts'

type Schema = Record<string, unknown>
type Parameter = { name: string; in: 'query' | 'header' | 'path'; required?: boolean; text: string }
type Route = {
  method: 'get' | 'post' | 'put' | 'delete'
  path: string
  summary: string
  parameters?: Parameter[]
  body?: Schema
  answer: Schema | string
  /** Statuses of errors beside 401, 403, 422 and 429. */
  errors?: number[]
  open?: true
}

const runId: Parameter = { name: 'runId', in: 'query', required: true, text: 'Id of the run.' }
const filePath: Parameter = {
  name: 'path',
  in: 'path',
  required: true,
  text: 'Path below the root.',
}
const workspaceHeader: Parameter = {
  name: 'X-Claude-Workspace',
  in: 'header',
  text: 'An empty one of its own without it.',
}

const routes: readonly Route[] = [
  {
    method: 'post',
    path: '/run',
    summary: 'Runs a prompt, and answers when it has ended or, with `async`, when it has started.',
    parameters: [
      { name: 'Idempotency-Key', in: 'header', text: 'Requests with one key are one run.' },
      { name: 'Prefer', in: 'header', text: '`status=strict` makes a failure 502 or 504.' },
    ],
    body: schemaOf(RunBody),
    answer: schemaOf(answers.run),
    errors: [400, 402, 409, 413, 502, 503, 504],
  },
  {
    method: 'get',
    path: '/run/result',
    summary: 'Returns the result of a run, as often as asked until it expires.',
    parameters: [runId, { name: 'outputFormat', in: 'query', text: '`json` or `json-verbose`.' }],
    answer: schemaOf(z.union([answers.run, answers.started])),
    errors: [404],
  },
  {
    method: 'get',
    path: '/run/events',
    summary: 'Streams the events of a run as server-sent events until it ends.',
    parameters: [runId, { name: 'Last-Event-ID', in: 'header', text: 'Goes on after this event.' }],
    answer: 'text/event-stream',
    errors: [404],
  },
  {
    method: 'post',
    path: '/run/cancel',
    summary: 'Cancels a run, or the run of a workspace, and answers when nothing of it is left.',
    parameters: [
      { ...runId, required: false },
      { name: 'workspace', in: 'query', text: 'The root when both are left out.' },
    ],
    answer: schemaOf(answers.done),
    errors: [400, 404],
  },
  {
    method: 'post',
    path: '/run/answer',
    summary: 'Answers the open question of a run that was started with `asks`.',
    parameters: [runId],
    body: schemaOf(AnswerBody),
    answer: schemaOf(answers.done),
    errors: [404, 409],
  },
  {
    method: 'post',
    path: '/run/message',
    summary:
      "Adds a turn to a run's session: a run of its own, which starts when the workspace is free.",
    parameters: [runId],
    body: schemaOf(MessageBody),
    answer: schemaOf(answers.started),
    errors: [404, 409, 503],
  },
  { method: 'get', path: '/status', summary: 'Lists runs.', answer: schemaOf(answers.status) },
  {
    method: 'get',
    path: '/usage',
    summary: 'Returns what the tenant and the token used.',
    parameters: [{ name: 'days', in: 'query', text: '1 to 400; 30 when left out.' }],
    answer: schemaOf(answers.usage),
  },
  { method: 'get', path: '/metrics', summary: 'Metrics for Prometheus.', answer: 'text/plain' },
  {
    method: 'get',
    path: '/files/{path}',
    summary: 'Returns a file, or lists a folder.',
    parameters: [filePath],
    answer: 'application/octet-stream',
    errors: [400, 404],
  },
  {
    method: 'put',
    path: '/files/{path}',
    summary: 'Stores the body as a file.',
    parameters: [filePath],
    answer: schemaOf(z.object({ status: z.literal('ok'), path: z.string(), size: z.number() })),
    errors: [400, 413, 507],
  },
  {
    method: 'delete',
    path: '/files/{path}',
    summary: 'Removes a file.',
    parameters: [filePath],
    answer: schemaOf(z.object({ status: z.literal('ok'), path: z.string() })),
    errors: [400, 404],
  },
  {
    method: 'get',
    path: '/openai/v1/models',
    summary: "Lists models, in the form of OpenAI's API.",
    answer: schemaOf(z.object({ object: z.literal('list'), data: z.array(z.unknown()) })),
  },
  {
    method: 'post',
    path: '/openai/v1/chat/completions',
    summary: "Completes a conversation, in the form of OpenAI's API. Errors have its form too.",
    parameters: [
      workspaceHeader,
      { name: 'X-Claude-Continue', in: 'header', text: '`1` goes on with the last session.' },
      { name: 'X-Claude-Append-System-Prompt', in: 'header', text: 'Adds to the system prompt.' },
      {
        name: 'X-OpenWebUI-Chat-Id',
        in: 'header',
        text: 'The chat has a workspace and a session.',
      },
      { name: 'Idempotency-Key', in: 'header', text: 'Requests with one key are one run.' },
    ],
    body: schemaOf(ChatBody),
    answer: schemaOf(z.looseObject({ id: z.string(), choices: z.array(z.unknown()) })),
    errors: [400, 404, 409, 413, 502, 503, 504],
  },
  {
    method: 'post',
    path: '/openai/v1/responses',
    summary: "Answers in the form of OpenAI's Responses API.",
    parameters: [workspaceHeader],
    body: schemaOf(ResponsesBody),
    answer: schemaOf(z.looseObject({ id: z.string(), output: z.array(z.unknown()) })),
    errors: [400, 404, 409, 413, 502, 503, 504],
  },
  {
    method: 'post',
    path: '/v1/messages',
    summary: "Answers in the form of Anthropic's Messages API. Errors have its form too.",
    parameters: [workspaceHeader],
    body: schemaOf(MessagesBody),
    answer: schemaOf(z.looseObject({ id: z.string(), content: z.array(z.unknown()) })),
    errors: [400, 402, 404, 409, 413, 502, 503, 504],
  },
  {
    method: 'get',
    path: '/health',
    summary: 'Answers while the server serves.',
    answer: schemaOf(answers.health),
    open: true,
  },
]

/** Builds the OpenAPI document from the schemas that requests are parsed with. */
export function buildOpenApi() {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'claude-secure', version: '1', description: 'Runs Claude Code in workspaces.' },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: schemaOf(answers.error) },
    },
  }
}
export type OpenApi = ReturnType<typeof buildOpenApi>

function operationOf({ summary, parameters = [], body, answer, errors = [], open }: Route) {
  const statuses = open ? [] : [...errors, 401, 403, 422, 429].sort((a, b) => a - b)
  const content =
    typeof answer === 'string'
      ? { [answer]: { schema: { type: 'string' } } }
      : { 'application/json': { schema: answer } }
  return {
    summary,
    ...(open && { security: [] }),
    ...(parameters.length > 0 && {
      parameters: parameters.map(({ name, in: place, required = false, text }) => ({
        name,
        in: place,
        required,
        description: text,
        schema: { type: 'string' },
      })),
    }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: body } } },
    }),
    responses: {
      200: { description: 'OK', content },
      ...Object.fromEntries(
        statuses.map(status => [
          status,
          {
            description: 'Refused or failed',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
          },
        ]),
      ),
    },
  }
}

function schemaOf(schema: z.ZodType): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'output',
    unrepresentable: 'any',
    // Members with a default may be left out.
    override: ({ jsonSchema }) => {
      const { properties, required } = jsonSchema
      if (!properties || !required) return
      jsonSchema.required = required.filter(name => {
        const property = properties[name]
        return typeof property !== 'object' || !('default' in property)
      })
    },
  })
  return rest
}
