import { isRecord, parseJson } from '../../base/json.ts'
import { EventLineReader } from './event-lines.ts'
import { JsonMembers } from './json-members.ts'
import { noUsage, parseUsage, type Usage } from './reported-usage.ts'

/** The usage that an answer has reported so far. */
export interface AnswerCount {
  model: string | null
  usage: Usage
  /** True once usage was reported (streams: in `message_start`). */
  counted: boolean
  /** True once the answer has a part that cannot be parsed. */
  malformed: boolean
  /** True once the answer has ended. */
  complete: boolean
  /** Output tokens seen but not reported because the end is missing: an upper bound. */
  unreportedOutput: number
}

/**
 * Reads the usage from an answer as it passes. Neither changes nor delays the answer, buffers a
 * bounded part of it, and never throws: input that it cannot parse is not counted.
 */
export interface AnswerReader {
  write(chunk: Buffer): void
  count(): AnswerCount
}

/** Bytes of JSON around the text in a data line with a text delta. */
const deltaOverhead = 90
/** Minimum characters per token. */
const tokenBytes = 3

export function createAnswerReader(headers: {
  'content-type'?: string | string[] | undefined
  'content-encoding'?: string | string[] | undefined
}): AnswerReader | null {
  const encoding = String(headers['content-encoding'] ?? 'identity')
  if (encoding !== 'identity') return null
  const type = String(headers['content-type'] ?? '')
  if (/^text\/event-stream\b/i.test(type)) return createStreamReader()
  return /^application\/json\b/i.test(type) ? createWholeReader() : null
}

function createStreamReader(): AnswerReader {
  let model: string | null = null
  let usage = noUsage
  let counted = false
  let malformed = false
  let complete = false
  let seenOutput = 0

  function take(reported: unknown) {
    const next = parseUsage(reported, usage)
    if (next) {
      usage = next
      counted = true
    } else malformed = true
  }

  const lines = new EventLineReader({
    onTooLong: () => {
      malformed = true
    },
    onSkipped: bytes => {
      seenOutput += 1 + Math.max(0, bytes - deltaOverhead) / tokenBytes
    },
    onData: text => {
      const event = parseRecord(text)
      if (!event) malformed = true
      else if (event.type === 'message_start') {
        const message = isRecord(event.message) ? event.message : {}
        model = textOf(message.model)
        take(message.usage)
      } else if (event.type === 'message_delta') {
        if (event.usage !== undefined) take(event.usage)
        seenOutput = 0
      } else if (event.type === 'message_stop') complete = true
    },
  })
  return {
    write: chunk => lines.write(chunk),
    count: () => ({
      model,
      usage,
      counted: counted && !malformed,
      malformed,
      complete,
      unreportedOutput: complete ? 0 : Math.ceil(seenOutput),
    }),
  }
}

function createWholeReader(): AnswerReader {
  const members = new JsonMembers(['model', 'usage'])
  return {
    write: chunk => members.write(chunk),
    count: () => {
      const reported = members.found.get('usage')
      const usage = reported === undefined ? null : parseUsage(parseRecord(reported))
      return {
        model: textOf(parseJson(members.found.get('model') ?? 'null')),
        usage: usage ?? noUsage,
        counted: usage !== null && !members.tooLong,
        malformed: members.tooLong || (reported !== undefined && usage === null),
        complete: members.complete,
        unreportedOutput: 0,
      }
    },
  }
}

function parseRecord(text: string) {
  const value = parseJson(text)
  return isRecord(value) ? value : null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
