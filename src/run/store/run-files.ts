import * as z from 'zod'
import { systemCode, UserError } from '../../base/errors.ts'
import { type RegularFile, readRegularFile } from '../../files/regular-file.ts'
import { StoredFailure } from '../failure.ts'
import { Answers, QuestionId, Questions } from '../question.ts'
import type { RunEvent } from '../result.ts'
import { RunResult, RunStatus } from '../result.ts'
import { ClaudeMessage, questionOutcomes } from '../runner-protocol.ts'

/** Maximum bytes of a file. A result holds at most one answer of the model, and the runner limits its lines. */
const fileBytes = 64 * 1024 * 1024

/** `run.json`. Earlier versions wrote the first five fields. */
export const StoredRecord = z.object({
  runId: z.string(),
  workspace: z.string(),
  startedAt: z.string(),
  prompt: z.string(),
  model: z.string().nullable(),
  owner: z.string().nullable().default(null),
  surface: z.string().default('cli'),
  idempotencyKey: z.string().nullable().default(null),
  requestDigest: z.string().nullable().default(null),
})

/** `summary.json`, stored beside the result that it summarises. */
export const StoredSummary = z.object({
  state: RunStatus,
  endedAt: z.string(),
  sessionId: z.string().nullable(),
  costUsd: z.number().nullable(),
  error: StoredFailure.nullable(),
})

/** `question.json`, while a question is open. */
export const StoredQuestion = z.object({
  id: QuestionId,
  questions: Questions,
  deadline: z.string(),
})

/** `answer.json`, from another process. */
export const StoredAnswer = z.strictObject({ id: QuestionId, answers: Answers.nullable() })

/**
 * Returns null when the file is missing or damaged. Throws when it cannot be read, because an existing
 * run must not be reported as missing.
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  const file = await readRegularFile(path, { limit: fileBytes })
  if (file.kind === 'missing') return null
  if (file.kind !== 'bytes') throw unreadable(path, file)
  try {
    return schema.parse(JSON.parse(file.bytes.toString()))
  } catch {
    return null
  }
}

const at = { seq: z.number(), at: z.string() }

const StoredEvent = z.discriminatedUnion('kind', [
  z.looseObject({
    ...at,
    kind: z.literal('started'),
    runId: z.string(),
    workspace: z.string(),
    sessionId: z.string(),
    warm: z.boolean(),
    startedAt: z.string(),
  }),
  z.looseObject({ ...at, kind: z.literal('claude'), message: ClaudeMessage }),
  z.looseObject({ ...at, kind: z.literal('notice'), text: z.string() }),
  z.looseObject({ ...at, kind: z.literal('question'), ...StoredQuestion.shape }),
  z.looseObject({
    ...at,
    kind: z.literal('question-closed'),
    id: QuestionId,
    outcome: z.enum(questionOutcomes),
  }),
  z.looseObject({ ...at, kind: z.literal('ended'), result: RunResult }),
])

/**
 * Parses a stored line; null for the incomplete last line of a process that died, for a malformed event,
 * and for a kind that only a later version knows. Events of earlier versions have no number and time,
 * and get `otherwise`.
 */
export function parseStoredEvent(
  line: string,
  otherwise: { seq: number; at: string },
): RunEvent | null {
  try {
    const event = { ...otherwise, ...JSON.parse(line) }
    return StoredEvent.safeParse(event).success ? event : null
  } catch {
    return null
  }
}

function unreadable(path: string, { kind }: RegularFile) {
  const problem =
    kind === 'too-large' ? `is larger than ${fileBytes} bytes` : 'is not a regular file'
  return new UserError(`${path} ${problem}`, { hint: 'remove its folder to delete that run' })
}

export function cannotRead(folder: string, cause: unknown) {
  const code = systemCode(cause)
  return new UserError(`cannot read the runs in ${folder}${code ? ` (${code})` : ''}`, {
    hint: 'check the owner and the mode of that folder',
    cause,
  })
}

export function cannotKeep(folder: string, cause: unknown) {
  const code = systemCode(cause)
  return new UserError(`cannot store runs in ${folder}${code ? ` (${code})` : ''}`, {
    hint: 'check the free space and the owner of that folder',
    cause,
  })
}
