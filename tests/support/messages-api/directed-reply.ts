import type { ApiErrorType } from '../../../src/gateway/api-error.ts'
import {
  currentTurn,
  type MessagesRequest,
  offersTool,
} from '../../../src/gateway/rehearsal/messages-api.ts'
import { type Reply, type ReplyBlock, textReply } from '../../../src/gateway/rehearsal/reply.ts'
import { rehearsalReply } from '../../../src/gateway/rehearsal/script.ts'
import { type Directive, parseDirectives } from './directives.ts'

/** What a test can set for all requests, over what their prompts say. */
export interface Defaults {
  delayMilliseconds?: number
  /** The answer to a prompt without directives. Without it: what the rehearsal says. */
  text?: string
  /** Answer every request with this status. */
  errorStatus?: number
}

/**
 * The answer that the directives of the current prompt ask for.
 *
 * @param attempts how often each turn was asked before; counted here.
 */
export function directedReply(
  request: MessagesRequest,
  defaults: Defaults,
  attempts: Map<string, number> = new Map(),
): Reply {
  if (defaults.errorStatus) return errorReply(defaults.errorStatus)
  const turn = currentTurn(request)
  const { prompt, results } = turn
  const attempt = (attempts.get(JSON.stringify(turn)) ?? 0) + 1
  attempts.set(JSON.stringify(turn), attempt)
  const directives = parseDirectives(prompt).filter(
    directive => !('times' in directive) || attempt <= directive.times,
  )
  const reply = prompt.includes('[[') ? obey(directives, results) : undirected(request, defaults)
  const delay = directives.find(directive => directive.name === 'delay')
  return { ...reply, delayMilliseconds: delay?.milliseconds ?? defaults.delayMilliseconds }
}

function undirected(request: MessagesRequest, { text }: Defaults): Reply {
  if (text !== undefined) return textReply(text)
  // Only `[[structured …]]` answers in a form: Claude Code's own reminder that it is missing does not.
  return offersTool(request, 'StructuredOutput') ? textReply('done') : rehearsalReply(request)
}

/** Tool calls come first, one a turn; when all have their results, the answer. */
function obey(directives: Directive[], results: { text: string }[]): Reply {
  const error = directives.find(directive => directive.name === 'error')
  if (error) return errorReply(error.status)
  const parallel = directives.find(directive => directive.name === 'parallel')
  if (parallel && results.length === 0) {
    const blocks = parallel.calls.map(
      ({ tool, input }): ReplyBlock => ({ type: 'tool_use', name: tool, input }),
    )
    return { kind: 'message', blocks }
  }
  const calls = directives.filter(({ name }) =>
    ['bash', 'read', 'structured', 'tool'].includes(name),
  )
  const call = calls[results.length]
  if (call) return { kind: 'message', blocks: [toolUse(call)] }
  const stream = directives.find(directive => directive.name === 'stream')
  const say = directives.find(directive => directive.name === 'say')
  const deltas = stream
    ? pieces(stream.pieces, stream.size)
    : say
      ? [say.text]
      : results.length === 0
        ? ['done']
        : results.map(result => `${result.text.trimEnd()}\n`)
  return {
    kind: 'message',
    blocks: [{ type: 'text', deltas }],
    intervalMilliseconds: stream?.milliseconds,
    usage: directives.find(directive => directive.name === 'usage')?.usage,
    dropAfter: directives.find(directive => directive.name === 'drop')?.after,
  }
}

function toolUse(call: Directive): ReplyBlock {
  switch (call.name) {
    case 'bash':
      return {
        type: 'tool_use',
        name: 'Bash',
        input: { command: call.command, description: 'as scripted' },
      }
    case 'read':
      return { type: 'tool_use', name: 'Read', input: { file_path: call.path } }
    case 'structured':
      return { type: 'tool_use', name: 'StructuredOutput', input: call.output }
    case 'tool':
      return { type: 'tool_use', name: call.tool, input: call.input }
    default:
      throw new Error(`${call.name} is no tool`)
  }
}

function* pieces(count: number, size: number) {
  for (let i = 0; i < count; i++) yield `${i} `.padEnd(size, '.')
}

const errorTypes = new Map<number, ApiErrorType>([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
])

function errorReply(status: number): Reply {
  const type = errorTypes.get(status) ?? 'api_error'
  return { kind: 'error', status, type, message: `the stand-in was told to answer ${status}` }
}
