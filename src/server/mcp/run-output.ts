import * as z from 'zod'
import { describeFailure } from '../../run/failure.ts'
import { type OpenQuestion, Question } from '../../run/question.ts'
import type { RunResult } from '../../run/result.ts'
import { apiState, apiStates } from '../api/run-answer.ts'
import { toolResult } from './call.ts'
import type { Outcome } from './run-wait.ts'

/** The structured form of every answer about a run. */
export const RunOutput = z.object({
  run_id: z.string(),
  status: z.enum(apiStates),
  workspace: z.string().describe('Absolute path.'),
  result: z.string().optional().describe('The answer, as in the text.'),
  structured_output: z.unknown().optional().describe('The answer in the form of `json_schema`.'),
  session_id: z.string().nullish().describe('Give it as `resume` to go on with this conversation.'),
  total_cost_usd: z.number().optional(),
  error: z.string().optional(),
  questions: z.array(Question).optional().describe('Answer them with run_answer.'),
  deadline: z.string().optional().describe('After it, the model is told that there is no answer.'),
})
export type RunOutput = z.infer<typeof RunOutput>

/** Builds the answer about a run that goes on, asks or has ended. */
export function runResult(outcome: Outcome) {
  switch (outcome.kind) {
    case 'ended':
      return endedResult(outcome.result)
    case 'running': {
      const { runId, workspace } = outcome.run
      const text = `run ${runId} goes on. Call run_result with this run_id to get its answer.`
      return answer(text, { run_id: runId, status: 'running', workspace })
    }
    case 'waiting': {
      const { runId, workspace } = outcome.run
      const { questions, deadline } = outcome.question
      return answer(askingText(runId, outcome.question), {
        ...{ run_id: runId, status: 'waiting', workspace },
        ...{ questions: [...questions], deadline },
      })
    }
    default:
      return outcome satisfies never
  }
}

function endedResult(result: RunResult) {
  const { runId, workspace, status, claude, error, sessionId, costUsd } = result
  const structured = claude?.structured_output
  const said = typeof claude?.result === 'string' ? claude.result : ''
  const text = said || (structured === undefined ? '' : JSON.stringify(structured))
  const output: RunOutput = {
    ...{ run_id: runId, status: apiState(status), workspace, session_id: sessionId },
    ...(costUsd !== null && { total_cost_usd: costUsd }),
  }
  if (status === 'succeeded') {
    const form = structured === undefined ? {} : { structured_output: structured }
    return answer(text, { ...output, result: text, ...form })
  }
  const reason = error ? describeFailure(error) : `the run was ${apiState(status)}`
  return { ...answer(reason, { ...output, error: reason }), isError: true }
}

function answer(text: string, output: RunOutput) {
  return toolResult(text, output)
}

function askingText(runId: string, { questions, deadline }: OpenQuestion): string {
  const asked = questions.map(({ question, options, multiSelect }) => {
    const choices = options.map(({ label }) => label).join(' | ')
    return `- ${question}${choices && ` (${multiSelect ? 'one or more of' : 'one of'}: ${choices})`}`
  })
  return [
    `run ${runId} asks, until ${deadline}:`,
    ...asked,
    'Call run_answer with this run_id, and answers as an object from each question to its choice.',
  ].join('\n')
}
