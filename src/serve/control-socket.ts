import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { messageOf, UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { readBounded } from '../base/read-bounded.ts'
import { type ScheduleAnswer, ScheduleRequest } from '../config/schedule-control.ts'
import type { ScheduleControl } from '../schedules/control.ts'

const requestBytes = 64 * 1024
const connectionLimit = 16
const idleMilliseconds = 30_000

/**
 * Answers the host's commands on a socket in the container, which the host reaches by running `control.js` there: no
 * network leads to it. One JSON request and one JSON answer a connection.
 */
export async function openControlSocket(path: string, control: ScheduleControl | null) {
  // A killed process leaves it.
  rmSync(path, { force: true })
  const server = createServer({ allowHalfOpen: true }, socket => void answer(socket, control))
  server.maxConnections = connectionLimit
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return { close: () => void server.close() }
}

async function answer(socket: Socket, control: ScheduleControl | null): Promise<void> {
  socket.on('error', () => {})
  socket.setTimeout(idleMilliseconds, () => socket.destroy())
  try {
    const text = String(await readBounded(socket, requestBytes, 'the request'))
    socket.end(`${JSON.stringify(await answerOf(text, control))}\n`)
  } catch {
    socket.destroy()
  }
}

/** Returns the answer to the text of a request. */
export async function answerOf(
  text: string,
  control: ScheduleControl | null,
): Promise<ScheduleAnswer> {
  const parsed = ScheduleRequest.safeParse(parseJson(text))
  if (!parsed.success) {
    return { kind: 'error', message: 'the request is not valid', hint: 'update claude-secure' }
  }
  if (!control) {
    const hint = 'run serve up --schedules, or add schedules to SERVER_MODES in .env'
    return { kind: 'error', message: 'the server has no schedules', hint }
  }
  try {
    return await perform(parsed.data, control)
  } catch (error) {
    const hint = error instanceof UserError ? error.hint : 'look at the log of the server'
    return { kind: 'error', message: messageOf(error), hint }
  }
}

async function perform(
  // As parsed.
  request: ReturnType<typeof ScheduleRequest.parse>,
  control: ScheduleControl,
): Promise<ScheduleAnswer> {
  switch (request.action) {
    case 'run':
      await control.run(request.job)
      return { kind: 'started', job: request.job }
    case 'history':
      return { kind: 'runs', runs: await control.history(request.job, request.limit) }
    case 'pause':
      await control.pause(request.job)
      return listOf(control)
    case 'resume':
      await control.resume(request.job)
      return listOf(control)
    case 'remove':
      await control.remove(request.job)
      return { kind: 'removed', job: request.job }
    case 'list':
      return listOf(control)
    default:
      return request satisfies never
  }
}

function listOf(control: ScheduleControl): ScheduleAnswer {
  const [paused, problem] = [control.isPaused(), control.problem()]
  return { kind: 'jobs', jobs: control.list(), paused, problem }
}
