import { posix } from 'node:path'
import { isRecord } from '../../base/json.ts'
import {
  currentTurn,
  type MessagesRequest,
  offersTool,
  type ToolResult,
  toolSchema,
  workingDirectory,
} from './messages-api.ts'
import { type Reply, textReply, toolReply } from './reply.ts'

const workspace = '/workspace'

const noModel = (
  calledAs: string,
) => `This is a rehearsal: no model is behind it, so I can only do one thing. Name a file in your prompt, such as "Read welcome.txt and tell me what it says", and I will read it with the real Read tool.

For real answers, leave with /exit, put ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in .env beside claude.ts, and run ${calledAs} start.`

/**
 * Returns the rehearsal model's reply: for a question about a file, it has Claude Code read the file
 * and answers with the content. Shows the whole path of a prompt (gateway, tool call, answer) without
 * an account. `calledAs`: how the user calls claude-secure.
 */
export function rehearsalReply(request: MessagesRequest, calledAs = './claude.ts'): Reply {
  const schema = request.output_config?.format?.schema
  if (schema) return textReply(JSON.stringify(schemaExample(schema, 'Rehearsal')))
  const { prompt, results } = currentTurn(request)
  const file = fileIn(prompt)
  const form = toolSchema(request, 'StructuredOutput')
  if (form) return formReply(form, { file, results, request })
  const result = results.at(-1)
  if (file && result) return textReply(readingReply(file, result))
  if (file && offersTool(request, 'Read')) return readReply(request, file)
  return textReply(request.tools.length === 0 ? 'Rehearsal' : noModel(calledAs))
}

/** Replies through the tool by which Claude Code accepts structured output. */
function formReply(
  schema: unknown,
  { file, results, request }: { file?: string; results: ToolResult[]; request: MessagesRequest },
): Reply {
  const reads = file !== undefined && offersTool(request, 'Read') ? 1 : 0
  if (results.length > reads) return textReply('Rehearsal')
  if (file && results.length < reads) return readReply(request, file)
  const [result] = results
  const text = file && result ? readingReply(file, result) : 'Rehearsal'
  const example = schemaExample(schema, text)
  return toolReply('StructuredOutput', isRecord(example) ? example : {})
}

function readReply(request: MessagesRequest, file: string): Reply {
  const folder = workingDirectory(request) ?? workspace
  return toolReply('Read', { file_path: posix.resolve(folder, file) })
}

function readingReply(file: string, result: ToolResult): string {
  return result.failed
    ? `I could not read ${file}: ${result.text.trim()}`
    : `${file} says:\n\n${withoutLineNumbers(result.text).trim()}`
}

/**
 * Returns the first word that looks like a file name: letters on both sides of a dot, and not an
 * address.
 */
function fileIn(prompt: string): string | undefined {
  return /(?<![\w/.@:-])(?:\.{0,2}\/)?(?:[\w+-][\w+.-]*\/)*[\w+-][\w+.-]*\.[a-z][a-z0-9]{0,9}\b/i.exec(
    prompt,
  )?.[0]
}

/** Strips the line numbers that the Read tool adds, and the reminder for models that it may append. */
function withoutLineNumbers(text: string): string {
  return text
    .replace(/<system-reminder>[\s\S]*?(<\/system-reminder>|$)/g, '')
    .replace(/^ *\d+[\t→]/gm, '')
}

const maxItems = 16

/**
 * Returns the smallest value of a JSON schema, with `text` for its strings: Claude Code's side queries
 * (a title, a summary) ask for such answers, and so does `run --json-schema`.
 */
export function schemaExample(schema: unknown, text: string, depth = 0): unknown {
  if (!isRecord(schema) || depth > 8) return null
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object' || isRecord(schema.properties)) {
    const properties = isRecord(schema.properties) ? schema.properties : {}
    return Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [
        name,
        schemaExample(member, text, depth + 1),
      ]),
    )
  }
  if (type === 'array') {
    const count = typeof schema.minItems === 'number' ? Math.min(schema.minItems, maxItems) : 0
    return Array.from({ length: count }, () => schemaExample(schema.items, text, depth + 1))
  }
  if (type === 'number' || type === 'integer') {
    return typeof schema.minimum === 'number' ? schema.minimum : 0
  }
  if (type === 'boolean') return false
  return type === 'string' ? text : null
}
