import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { RunResult } from '../../run/result.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { RunStart } from '../../tenants/run-starter.ts'
import type { ChatRules } from '../chats/chat-place.ts'
import { type AnswerPart, answerParts, partsOf, plain } from './answer.ts'
import type { Job } from './job.ts'

/** Seconds of a command of `/bash`, as in claudebox. */
const bashSeconds = 120

/** Builds the request of a job's run, without its session. */
export function requestOf(job: Job, rules: ChatRules): RunStart['request'] {
  if (job.kind === 'bash') {
    return { prompt: job.prompt, shell: true, timeoutSeconds: bashSeconds }
  }
  const { model, effort, system_prompt, append_system_prompt } = rules.settings
  return {
    prompt: job.prompt,
    ...(model !== undefined && { model }),
    ...(effort !== undefined && { effort }),
    ...(system_prompt !== undefined && { systemPrompt: system_prompt }),
    ...(append_system_prompt !== undefined && { appendSystemPrompt: append_system_prompt }),
    ...(rules.maxBudgetUsd !== undefined && { maxBudgetUsd: rules.maxBudgetUsd }),
    ...(rules.timeoutSeconds !== undefined && { timeoutSeconds: rules.timeoutSeconds }),
  }
}

/** Returns the messages that answer a job. */
export function partsOfJob(job: Job, result: RunResult): AnswerPart[] {
  if (job.kind !== 'bash' || result.claude === null) return answerParts(result)
  const output = typeof result.claude.result === 'string' ? result.claude.result : ''
  if (output.trim() === '') return [plain('(no output)')]
  // A fence that the output cannot end.
  const fence = '`'.repeat(
    Math.max(3, ...[...output.matchAll(/`+/g)].map(([run]) => run.length + 1)),
  )
  return partsOf(`${fence}\n${output.replaceAll('[SEND_FILE:', '[SEND_FILE :')}\n${fence}`)
}

/** Returns why a job has no run, in the words of a chat. */
export function problemOf(error: unknown): string {
  if (error instanceof UserError) return `${terminalLine(error.message, 500)}\n${error.hint}`
  if (!(error instanceof HttpError)) return 'failed: internal error'
  if (error.status === 409 && error.message.startsWith('workspace busy')) {
    return 'busy, try again later'
  }
  return `not started: ${terminalLine(error.message, 500)}`
}
