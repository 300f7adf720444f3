import { spawn } from 'node:child_process'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { backgroundEnvironment } from '../config/background-environment.ts'
import { userEnvironment } from '../config/environment.ts'
import { checkoutRoot } from '../config/paths.ts'
import type { OpenForward } from '../operations/forward/forward.ts'

/** The single line that a supervised forward prints: its ports are open. */
const SupervisedAnswer = z.object({
  forwards: z.array(z.object({ port: z.number(), local: z.number(), url: z.string() })),
})
export type SupervisedAnswer = z.infer<typeof SupervisedAnswer>

const openWithin = 30_000
const stderrBytes = 4_096

/** Starts the forward in a session of its own, which survives the terminal; resolves once it is open. */
export async function detachForward(
  words: readonly string[],
  { worker }: { worker?: boolean },
): Promise<readonly OpenForward[]> {
  const args = ['forward', '--supervised', ...(worker ? ['--worker'] : []), '--', ...words]
  const child = spawn(join(checkoutRoot(), 'claude.ts'), args, {
    cwd: process.cwd(),
    env: backgroundEnvironment(userEnvironment()),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk}`.slice(-stderrBytes)
  })
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => child.kill('SIGTERM'), openWithin)
    const done = () => {
      clearTimeout(timer)
      resolve(text)
    }
    child.once('error', reject).once('close', done)
    child.stdout.on('data', (chunk: Buffer) => {
      text = `${text}${chunk}`.slice(0, stderrBytes)
      if (text.includes('\n')) done()
    })
  })
  child.stdout.destroy()
  child.stderr.destroy()
  child.unref()
  const answer = SupervisedAnswer.safeParse(parseJson(line))
  if (answer.success) return answer.data.forwards
  throw failureIn(stderr)
}

/** Repeats the error that the supervised command printed. */
function failureIn(stderr: string): UserError {
  const line = (start: string) => new RegExp(`^${start}:\\s+(.*)$`, 'm').exec(stderr)?.[1]
  return new UserError(line('error') ?? 'the background process of the forward ended', {
    hint: line('hint') ?? 'run it without --detach to see the reason',
  })
}
