import { until } from '../base/async.ts'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import {
  bodyText,
  type EngineAddress,
  type EngineAnswer,
  engineGet,
  enginePost,
  engineUpgrade,
} from './engine-request.ts'

/** A command to run in a container. */
export type ContainerExec = {
  container: string
  command: readonly string[]
  workingDirectory: string
}

/** The engine does not know the container: it was removed. */
export class ContainerGone extends UserError {}

const idleMilliseconds = 10_000

/** Prepares a command with all its streams attached, and does not start it; resolves with its id. */
export async function createContainerExec(
  address: EngineAddress,
  { container, command, workingDirectory }: ContainerExec,
  terminal: object = { Tty: false },
): Promise<string> {
  const created = await enginePost(
    address,
    `/containers/${encodeURIComponent(container)}/exec`,
    {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      ...terminal,
      Cmd: command,
      WorkingDir: workingDirectory,
    },
    { idleMilliseconds },
  )
  return parseId(await json(created, 201))
}

/** Starts a prepared command; returns its connection and the bytes that came with the engine's answer. */
export function startContainerExec(
  address: EngineAddress,
  id: string,
  terminal: object = { Tty: false },
) {
  return engineUpgrade(address, `/exec/${id}/start`, { Detach: false, ...terminal })
}

/** Waits up to 1 s for the exit status, which the engine knows shortly after the streams closed. */
export async function exitStatus(address: EngineAddress, id: string): Promise<number> {
  const ended = async () => {
    const answer = await engineGet(address, `/exec/${id}/json`, { idleMilliseconds })
    // Gone with its container: ended as by SIGKILL.
    if (answer.status === 404) return 137
    return parseExitCode(await json(answer, 200))
  }
  // 129: the terminal closed, and the command still runs.
  return (await until(ended, { every: 50, timeout: 1_000 })) ?? 129
}

// Parsed by hand: loading a schema library would double what a session loads before its first byte.
function parseId(answer: unknown): string {
  const id = typeof answer === 'object' && answer && 'Id' in answer ? answer.Id : null
  if (typeof id === 'string' && /^[0-9a-f]+$/.test(id)) return id
  throw new Error('the container engine returned an exec without an id')
}

/** Null while the command runs. */
function parseExitCode(answer: unknown): number | null {
  const code = typeof answer === 'object' && answer && 'ExitCode' in answer ? answer.ExitCode : null
  return typeof code === 'number' ? code : null
}

async function json({ status, body }: EngineAnswer, expected: number): Promise<unknown> {
  const answer = await bodyText(body)
  if (status === expected) return JSON.parse(answer)
  const Failure = status === 404 ? ContainerGone : UserError
  throw new Failure(`the container engine answered ${status} to a command in the container`, {
    hint: `check whether the stack is up: ${command('status')}`,
    cause: new Error(answer),
  })
}
