import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../../base/errors.ts'
import { userEnvironment } from '../../config/environment.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { secretSettings } from '../../config/settings.ts'
import type { StackAgent } from '../../operations/remembered-stack/memory.ts'
import type { RunRequest } from '../../run/request.ts'

/** The job that a supervisor reads from its stdin. */
export type Job = {
  worker: StackAgent
  request: RunRequest
  runId: string
  wait: boolean
  questionSeconds: number
}

/** The single line that a supervisor answers with. */
export const Answer = z.union([
  z.object({ accepted: z.literal(true) }),
  z.object({
    message: z.string(),
    hint: z.string(),
    exitCode: z.union([z.literal(1), z.literal(2)]),
  }),
])
export type Answer = z.infer<typeof Answer>

/**
 * Hands a run to a supervisor in a session of its own, which survives the terminal. Resolves with the
 * run's id once the run has started, or is waiting for the workspace.
 */
export async function detach(job: Omit<Job, 'runId'>): Promise<string> {
  const runId = randomBytes(8).toString('hex')
  const env = { ...userEnvironment() }
  // The stack is running and has its credential, so a supervisor needs none (threat S1).
  for (const name of secretSettings) delete env[name]
  const child = spawn(join(checkoutRoot(), 'claude.ts'), ['run supervise', runId], {
    cwd: '/',
    env,
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
    throw new UserError('the process that watches over the run ended at once', {
      hint: 'run it without --detach, which shows why',
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
