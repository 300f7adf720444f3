import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { Answers } from '../../run/question.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { type Call, type Serve, toolResult } from './call.ts'
import { lenient } from './lenient.ts'
import {
  type AnsweredRun,
  type AskedCodec,
  answeredRun,
  settle,
  visibleRun,
} from './run-answers.ts'
import { RunOutput } from './run-output.ts'

export const waitSeconds = z
  .number()
  .int()
  .min(0)
  .max(3_600)
  .default(45)
  .describe('How long to wait for the end of the run before the answer says that it goes on.')

const runId = z.string().describe('The run_id of an earlier answer.')

// Made once: a server is built for each request without a session.
const inputs = {
  result: lenient(z.object({ run_id: runId, wait_seconds: waitSeconds })),
  cancel: lenient(z.object({ run_id: runId })),
  answer: lenient(
    z.object({
      run_id: runId,
      answers: Answers.optional().describe(
        'From each question to the choice, or to several; leave it out for no answer.',
      ),
      wait_seconds: waitSeconds,
    }),
  ),
}

export type RunToolParts = {
  server: McpServer
  serve: Serve
  codec: AskedCodec
  /** Maximum time that a cancel waits for the end of its run. */
  cancelMilliseconds: number
}

/** Registers the tools about a run that was started: its result, its end, and the answers to its questions. */
export function registerRunTools({ server, serve, codec, cancelMilliseconds }: RunToolParts) {
  const waited = (call: Call, run: Partial<AnsweredRun> & { runId: string }, seconds: number) =>
    settle(call, run, { seconds, server, codec })

  server.registerTool(
    'run_result',
    {
      title: 'Result of a run',
      description: 'Wait for a run of Claude Code and return its result, or say that it goes on.',
      inputSchema: inputs.result,
      outputSchema: RunOutput,
      annotations: { readOnlyHint: true },
    },
    (given, ctx) =>
      serve(ctx, async call => {
        const run = (await answeredRun(call)) ?? {
          runId: (await visibleRun(call, given.run_id)).runId,
        }
        return waited(call, run, given.wait_seconds)
      }),
  )

  server.registerTool(
    'run_cancel',
    {
      title: 'Cancel a run',
      description: 'Cancel a run of Claude Code, and wait until nothing of it is left.',
      inputSchema: inputs.cancel,
      outputSchema: RunOutput,
      annotations: { destructiveHint: true, idempotentHint: true },
    },
    ({ run_id }, ctx) =>
      serve(ctx, async call => {
        const { engine } = call
        const run = await visibleRun(call, run_id)
        if (run.endedAt !== null) throw new HttpError(404, 'the run has ended already')
        await engine.cancel(run.runId)
        const isOver = await engine
          .ended(run.runId, { timeout: cancelMilliseconds, signal: call.over })
          .catch(() => false)
        const output = { run_id: run.runId, workspace: run.workspace }
        return isOver
          ? toolResult(`run ${run.runId} was cancelled`, { ...output, status: 'cancelled' })
          : toolResult(`run ${run.runId} is being cancelled`, { ...output, status: 'running' })
      }),
  )

  server.registerTool(
    'run_answer',
    {
      title: 'Answer a run',
      description: 'Answer the question of a run that waits, then wait for its result.',
      inputSchema: inputs.answer,
      outputSchema: RunOutput,
    },
    (given, ctx) =>
      serve(ctx, async call => {
        const again = await answeredRun(call)
        if (again !== null) return waited(call, again, given.wait_seconds)
        const { runId, question } = await visibleRun(call, given.run_id)
        await call.engine.answer(runId, given.answers ?? null)
        const answered = question ? { answered: question.id } : {}
        return waited(call, { runId, ...answered }, given.wait_seconds)
      }),
  )
}
