import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { exec } from '../../process/exec.ts'
import { whyBusy } from '../../stack/activity.ts'
import { type StackState, serviceOf } from '../../stack/inspect.ts'
import { serviceOfSessions } from '../../stack/services.ts'
import type { Context } from '../context.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Claude Code's folder for the conversations of /workspace. */
const transcripts = '/home/claude/.claude/projects/-workspace'

/** Checks the id before anything is started: it becomes an argument, and must not be an option. */
export function checkResume(id: string) {
  if (uuid.test(id)) return
  throw new UserError(`--resume ${terminalLine(id, 100)} is not the id of a conversation`, {
    hint: 'give an id such as 8a6e0804-2bd0-4672-b79d-d97027f9071a; /resume in a session lists them',
    exitCode: 2,
  })
}

/** Refuses an id that is not a conversation of this folder's sessions, and any id while a session is open. */
export async function refuseUnknown({ engine, docker }: Context, state: StackState, id: string) {
  if (await whyBusy(engine, { ...state, services: sessionsOnly(state) })) {
    throw new UserError('the open session of this folder cannot change its conversation', {
      hint: 'end it with /exit, or use /resume in it',
    })
  }
  const claude = serviceOf(state, serviceOfSessions)
  const args = ['exec', claude?.container ?? '', '/usr/bin/find', transcripts, '-maxdepth', '1']
  const { stdout } = await exec(
    docker.file,
    [...args, '-name', '*.jsonl', '-size', '+0', '-printf', '%T@ %f\n'],
    { env: docker.env, timeout: 20_000, limit: 4 * 1024 * 1024 },
  )
  const known = parseTranscripts(stdout)
  if (known.includes(id)) return
  throw new UserError(`there is no conversation ${id} in this folder`, {
    hint:
      known.length > 0
        ? `use one of the last: ${known.slice(0, 3).join(', ')}`
        : `this folder has no conversation yet: run ${command('start')}`,
  })
}

function sessionsOnly({ services }: StackState) {
  return services.filter(({ name }) => name === serviceOfSessions)
}

/** Returns ids, newest first, from lines `<seconds> <id>.jsonl`; the agent can create files of any name. */
export function parseTranscripts(text: string): string[] {
  return text
    .split('\n')
    .flatMap(line => {
      const [, time, id = ''] = /^(\d+\.?\d*) ([0-9a-f-]+)\.jsonl$/.exec(line) ?? []
      return uuid.test(id) ? [{ time: Number(time), id }] : []
    })
    .toSorted((a, b) => b.time - a.time)
    .map(({ id }) => id)
}
