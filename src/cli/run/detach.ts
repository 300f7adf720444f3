import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { messageOf, UserError } from '../../base/errors.ts'
import { backgroundEnvironment } from '../../config/background-environment.ts'
import { userEnvironment } from '../../config/environment.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { blockedSince, directSince, withdrawnNotice } from '../../operations/notices.ts'
import type { StackAgent } from '../../operations/remembered-stack/memory.ts'
import type { RunRequest } from '../../run/request.ts'
import type { Invocation } from '../invocation.ts'
import { renderMessage } from '../render/message.ts'
import { startRun } from './start-run.ts'

/** The job that a supervisor reads from its stdin. */
type Job = {
  worker: StackAgent
  request: RunRequest
  runId: string
  wait: boolean
  questionSeconds: number
}

/** The single line that a supervisor answers with. */
const Answer = z.union([
  z.object({ accepted: z.literal(true) }),
  z.object({
    message: z.string(),
    hint: z.string(),
    exitCode: z.union([z.literal(1), z.literal(2)]),
  }),
])
type Answer = z.infer<typeof Answer>

/**
 * Hands a run to a supervisor in a session of its own, which survives the terminal. Resolves with the
 * run's id once the run has started, or is waiting for the workspace.
 */
export async function detach(job: Omit<Job, 'runId'>): Promise<string> {
  const runId = randomBytes(8).toString('hex')
  const child = spawn(join(checkoutRoot(), 'claude.ts'), ['run supervise', runId], {
    cwd: '/',
    // The stack is running and has its credential.
    env: backgroundEnvironment(userEnvironment()),
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify({ ...job, runId }))
  const answer = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.once('error', reject)
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(text)
    })
    child.stdout.once('end', () => resolve(text))
  })
  child.stdout.destroy()
  child.unref()
  const parsed = parseAnswer(answer)
  if (!parsed) {
    throw new UserError('the background process of the run exited at once', {
      hint: 'run it without --detach to see the reason',
    })
  }
  if ('accepted' in parsed) return runId
  throw new UserError(parsed.message, parsed)
}

function parseAnswer(text: string): Answer | null {
  try {
    return Answer.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** Maximum milliseconds to read the proxy's log. */
const logMilliseconds = 3_000

/** The supervisor that `detach` starts: runs the job from stdin to its end. The store keeps the result. */
export async function supervise(invocation: Invocation): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk)
  // Sent by our own parent, which has validated it.
  const { worker, request, runId, wait, questionSeconds }: Job = JSON.parse(
    Buffer.concat(chunks).toString(),
  )
  let answered = false
  const answer = (text: Answer) => {
    if (answered) return
    answered = true
    try {
      writeSync(1, `${JSON.stringify(text)}\n`)
    } catch {
      // The parent has exited; the run continues.
    }
  }
  try {
    const { signal } = invocation
    // There is no terminal: the names that the proxy denied, and files moved away, are stored with the run.
    const parting = async (since: Date) => {
      const tooLate = AbortSignal.timeout(logMilliseconds)
      const [withdrawn, blocked, direct] = await Promise.all([
        withdrawnNotice(worker),
        blockedSince({ ...worker, from: since }, tooLate),
        directSince({ ...worker, from: since }, tooLate),
      ])
      return [...withdrawn, ...blocked.lines, ...direct].map(line => renderMessage(line))
    }
    const run = startRun({ worker, client: null }, request, {
      ...{ signal, runId, wait, parting, questionSeconds },
      // `claude.ts answer` can answer it.
      asks: true,
    })
    if (wait) answer({ accepted: true })
    for await (const _ of run.events) answer({ accepted: true })
    await run.result
    answer({ accepted: true })
  } catch (error) {
    const hint = error instanceof UserError ? error.hint : 'run it without --detach'
    const usage = error instanceof UserError && error.exitCode === 2
    answer({ message: messageOf(error), hint, exitCode: usage ? 2 : 1 })
  }
}
