import type { ApiErrorType } from '../http/api-error.ts'

export type ReplyBlock =
  | { type: 'text'; deltas: Iterable<string> }
  | { type: 'tool_use'; name: string; input: Record<string, unknown> }

/** What a scripted model answers: a message, or an error in place of one. */
export type Reply =
  | {
      kind: 'message'
      blocks: ReplyBlock[]
      /** Wait before the first byte. */
      delayMilliseconds?: number
      /** Wait before each piece of text. */
      intervalMilliseconds?: number
      /** Cut the connection after this many pieces of text. */
      dropAfter?: number
      /** Members of the answer's usage, over those that are made up. */
      usage?: Record<string, unknown> | undefined
    }
  | {
      kind: 'error'
      status: number
      type: ApiErrorType
      message: string
      delayMilliseconds?: number
    }

export function textReply(text: string): Reply {
  // Pieces of a few words, so that the answer types itself as a real one does.
  return { kind: 'message', blocks: [{ type: 'text', deltas: text.match(/\S*\s*/g) ?? [text] }] }
}

export function toolReply(name: string, input: Record<string, unknown>): Reply {
  return { kind: 'message', blocks: [{ type: 'tool_use', name, input }] }
}
