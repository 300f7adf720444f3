import { describeFailure } from '../../run/failure.ts'
import type { RunResult } from '../../run/result.ts'
import { renderEntities } from '../entities.ts'
import type { FormattedText } from '../formatted-text.ts'
import { takeSentFiles } from '../sent-files.ts'
import { splitMessage } from '../split.ts'

/** A part of an answer, each one message. */
export type AnswerPart =
  | { kind: 'text'; message: FormattedText }
  /** An answer that is too long for messages. */
  | { kind: 'document'; name: string; text: string }
  /** A file of the workspace, by a path that the model wrote. */
  | { kind: 'file'; path: string }

/** Returns the part that says a text as it is. */
export const plain = (text: string): AnswerPart => ({
  kind: 'text',
  message: { text, entities: [] },
})

/** Returns what a chat gets for an ended run. The same result gives the same parts. */
export function answerParts(result: RunResult): AnswerPart[] {
  const words = typeof result.claude?.result === 'string' ? result.claude.result : ''
  switch (result.status) {
    case 'succeeded':
      return partsOf(words)
    case 'cancelled':
      return [plain('cancelled')]
    case 'interrupted':
      return [plain('interrupted: the server stopped during this run. Send it again to repeat it.')]
    case 'failed':
    case 'timed-out':
      return [plain(`failed: ${result.error ? describeFailure(result.error) : 'no reason given'}`)]
    default:
      return result.status satisfies never
  }
}

/** Returns the parts of an answer in Markdown, with the files that it sends. */
export function partsOf(answer: string): AnswerPart[] {
  const { text, paths, omitted } = takeSentFiles(answer)
  const files = paths.map((path): AnswerPart => ({ kind: 'file', path }))
  const notes = omitted > 0 ? [plain(`${omitted} further files were not sent`)] : []
  const parts = [...textParts(text), ...files, ...notes]
  // Also for Markdown that shows nothing, such as an empty code block: Telegram takes no empty message.
  return parts.length === 0 ? [plain('(no answer)')] : parts
}

function textParts(text: string): AnswerPart[] {
  if (text === '') return []
  const messages = splitMessage(renderEntities(text))
  if (messages !== null) return messages.map(message => ({ kind: 'text', message }))
  return [{ kind: 'document', name: 'answer.md', text }]
}
