import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { parseJson } from '../../base/json.ts'
import { readBounded } from '../../base/read-bounded.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { ScheduleAnswer, type ScheduleRequest } from '../../config/schedule-control.ts'
import { prepareExec, startExecStream } from '../../engine/container-exec.ts'
import { serviceOf } from '../../stack/inspect.ts'
import type { EngineContext } from '../context.ts'
import { findServer, serverIdentity } from './server-context.ts'

const answerBytes = 32 * 1024 * 1024
const patience = 30_000

/** Asks the schedules of a running server, by a program in its container: no network leads to them. */
export async function askSchedules(
  context: Pick<EngineContext, 'engine'>,
  request: ScheduleRequest,
  name?: string,
): Promise<Exclude<ScheduleAnswer, { kind: 'error' }>> {
  const { address } = context.engine
  const state = await findServer(context, serverIdentity(name))
  const service = state && serviceOf(state, 'server')
  if (service?.state !== 'running') {
    throw new UserError('no server is running', { hint: `run ${command('serve up --schedules')}` })
  }
  const id = await prepareExec(address, {
    container: service.container,
    command: ['node', '/opt/server/control.js', JSON.stringify(request)],
    workingDirectory: '/',
  })
  const stream = await startExecStream(address, id)
  const late = setTimeout(() => stream.destroy(), patience)
  try {
    const text = String(await readBounded(stream.stdout, answerBytes, 'the answer of the server'))
    const parsed = ScheduleAnswer.safeParse(parseJson(text))
    if (!parsed.success) throw unanswered(stream.stderr())
    if (parsed.data.kind !== 'error') return parsed.data
    const { message, hint } = parsed.data
    throw new UserError(terminalLine(message, 500), { hint: terminalLine(hint, 500) })
  } finally {
    clearTimeout(late)
    stream.destroy()
  }
}

function unanswered(stderr: string) {
  const reason = stderr.trim() === '' ? '' : `: ${terminalLine(stderr.trim(), 200)}`
  return new UserError(`the server did not answer${reason}`, {
    hint: `run ${command('serve logs server')}`,
  })
}
