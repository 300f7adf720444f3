import { UserError } from '../base/errors.ts'
import { RunRequest } from './request.ts'

/** The request of any surface, or an error that names the field. */
export function parseRequest(input: unknown): RunRequest {
  const parsed = RunRequest.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') || 'the request'
  throw new UserError(`${field}: ${issue?.message ?? 'is not valid'}`, {
    hint: './claude.ts run --help shows what it takes',
    exitCode: 2,
  })
}
