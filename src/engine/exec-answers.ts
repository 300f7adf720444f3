import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { until } from '../base/until.ts'
import { bodyText, type EngineAddress, type EngineAnswer, engineGet } from './engine-request.ts'

const timeoutMilliseconds = 10_000

/** The id of a command that was prepared in a container. */
export async function execId(created: EngineAnswer): Promise<string> {
  return parseId(await json(created, 201))
}

/** The status is known a moment after the terminal closed; null as long as the command goes on. */
export async function exitStatus(address: EngineAddress, id: string): Promise<number> {
  const ended = async () => {
    const answer = await engineGet(address, `/exec/${id}/json`, {
      idleMilliseconds: timeoutMilliseconds,
    })
    // Gone with its container: ended as by SIGKILL.
    if (answer.status === 404) return 137
    return parseExitCode(await json(answer, 200))
  }
  // 129: the terminal went away, and the command still runs.
  return (await until(ended, { every: 50, timeout: 1_000 })) ?? 129
}

// By hand, because a schema library would be half of what a session loads before its first byte.
function parseId(answer: unknown): string {
  const id = typeof answer === 'object' && answer && 'Id' in answer ? answer.Id : null
  if (typeof id === 'string' && /^[0-9a-f]+$/.test(id)) return id
  throw new Error('the engine gave a session without an id')
}

function parseExitCode(answer: unknown): number | null {
  const code = typeof answer === 'object' && answer && 'ExitCode' in answer ? answer.ExitCode : null
  return typeof code === 'number' ? code : null
}

async function json({ status, body }: EngineAnswer, expected: number): Promise<unknown> {
  const answer = await bodyText(body)
  if (status === expected) return JSON.parse(answer)
  throw new UserError(`the container engine answered ${status} to a session`, {
    hint: `check whether the stack is up: ${command('status')}`,
    cause: new Error(answer),
  })
}
