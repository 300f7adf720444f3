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

/** What a supervisor is given on its stdin. */
export type Job = {
  worker: StackAgent
  request: RunRequest
  runId: string
  wait: boolean
  questionSeconds: number
}

/** The one line that it answers with. */
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
 * Hands a run to a process of its own session, which goes on when the terminal closes; resolves with
 * the run's id when it has begun, or waits for the workspace.
 */
export async function detach(job: Omit<Job, 'runId'>): Promise<string> {
  const runId = randomBytes(8).toString('hex')
  const env = { ...userEnvironment() }
  // The stack is up and has its credential: who watches over a run needs none (threat S1).
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
