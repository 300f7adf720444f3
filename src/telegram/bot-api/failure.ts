import { GrammyError, HttpError } from 'grammy'
import { messageOf } from '../../base/errors.ts'
import { BotApiUnreachable } from './bot-api.ts'

/** Why a call of the Bot API failed. */
export type TelegramFailure =
  /** Too many calls: wait so many seconds. */
  | { kind: 'too-many'; seconds: number }
  /** The bot was blocked, removed, or may not write there. */
  | { kind: 'blocked' }
  /** The group has become a supergroup with this id. */
  | { kind: 'moved'; chat: number }
  /** The entities or the markup of a text. */
  | { kind: 'entities' }
  /** An edit that changes nothing. */
  | { kind: 'unchanged' }
  /** The message to edit, to delete or to reply to, its topic or its button is gone. */
  | { kind: 'gone' }
  /** Another program gets the updates of this bot. */
  | { kind: 'conflict' }
  | { kind: 'token' }
  /** No answer, or an answer of a server that has a problem. */
  | { kind: 'unavailable'; reason: string }
  | { kind: 'refused'; reason: string }

const words: readonly [RegExp, TelegramFailure['kind'] & ('entities' | 'unchanged' | 'gone')][] = [
  [/can't parse entities|entity|ENTITY|parse_mode/, 'entities'],
  [/message is not modified/, 'unchanged'],
  [/not found|can't be (edited|deleted)|query is too old|MESSAGE_ID_INVALID|TOPIC_/, 'gone'],
]

/** Returns the kind of a failed call. The reason has no token: see `createBotApi`. */
export function failureOfCall(error: unknown): TelegramFailure {
  if (error instanceof HttpError) return failureOfCall(error.error)
  if (error instanceof BotApiUnreachable) return { kind: 'unavailable', reason: error.message }
  // Not of the Bot API: of our own parts, such as a full disk.
  if (!(error instanceof GrammyError)) return { kind: 'refused', reason: messageOf(error) }
  const { error_code: code, description, parameters } = error
  const reason = `${code} ${description}`.slice(0, 300)
  const { migrate_to_chat_id: moved, retry_after: seconds } = parameters
  if (moved !== undefined) return { kind: 'moved', chat: moved }
  if (code === 429) return { kind: 'too-many', seconds: boundedPause(seconds) }
  if (code === 409) return { kind: 'conflict' }
  if (code === 401 || (code === 404 && description === 'Not Found')) return { kind: 'token' }
  if (code === 403) return { kind: 'blocked' }
  if (code >= 500) return { kind: 'unavailable', reason }
  // The chat itself: nothing can be sent there.
  if (/chat not found|CHAT_WRITE_FORBIDDEN|not enough rights to send/.test(description)) {
    return { kind: 'blocked' }
  }
  const [, kind] = words.find(([pattern]) => pattern.test(description)) ?? []
  return kind === undefined ? { kind: 'refused', reason } : { kind }
}

const longestPause = 3_600

function boundedPause(seconds: unknown): number {
  return typeof seconds === 'number' && seconds >= 0 ? Math.min(seconds, longestPause) : 1
}

const hints: Partial<Record<TelegramFailure['kind'], string>> = {
  conflict: 'stop the other program that uses the token of this bot',
  token: 'get the token from @BotFather again, and run serve up --telegram with it',
}

/** Returns the next step of an administrator after a failed call. */
export function hintOf(error: unknown): string {
  return hints[failureOfCall(error).kind] ?? 'the bot tries again by itself'
}

/** Returns the reason of a failed call in words for the log. */
export function wordsOf(error: unknown): string {
  const failure = failureOfCall(error)
  switch (failure.kind) {
    case 'conflict':
      return 'another program gets the updates of this bot (409)'
    case 'token':
      return 'Telegram does not know the token of the bot'
    case 'too-many':
      return `too many requests, wait ${failure.seconds} s`
    case 'unavailable':
    case 'refused':
      return failure.reason
    default:
      return failure.kind
  }
}
