import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { step } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Engine } from '../../engine/engine.ts'
import { exec, execOk } from '../../process/exec.ts'
import { activities, whyBusy } from '../../stack/activity.ts'
import { forgetConversations, type Home, homesOf } from '../../stack/conversations.ts'
import { atWork, inspectStack, type StackState, serviceOf } from '../../stack/inspect.ts'
import { serviceOfRuns, serviceOfSessions } from '../../stack/services.ts'
import { withLock } from '../../stack/state/lock.ts'
import type { Context } from '../context.ts'
import { currentIdentity, ownedStackName } from '../find-stacks.ts'
import { newestImage } from '../images.ts'

/** Deletes conversations of the current folder; keeps login and settings. */
export async function forgetConversationsHere(
  context: Context,
  options: { of: readonly Home['of'][]; force: boolean },
): Promise<void> {
  const { log, signal, confirm } = context
  const identity = await currentIdentity()
  const stack = await ownedStackName(identity)
  const all = await homesOf(context.engine, identity)
  const homes = all.filter(home => options.of.includes(home.of))
  if (homes.length === 0) {
    log({ kind: 'info', text: 'this folder has no conversations' })
    return
  }
  await refuseWhileInUse(context, stack, homes)
  const of = [...new Set(homes.map(home => home.of))].sort().reverse().join(' and ')
  const question = `Forget all conversations of ${of} in ${terminalLine(process.cwd(), 200)}?`
  if (!options.force && !(await confirm(question, '-f'))) {
    log({ kind: 'info', text: 'nothing was deleted' })
    return
  }
  await withLock(stack, { log, signal }, async () => {
    // A session may have started while the confirmation was open.
    const state = await refuseWhileInUse(context, stack, homes)
    const image = await newestImage(context.engine, 'claude')
    await step(log, 'deleting conversations', async () => {
      if (state && homes.some(home => home.of === 'runs')) await endWarmProcess(context, state)
      for (const home of homes) await forgetConversations(context, image, home)
    })
  })
  log({ kind: 'info', text: `deleted the conversations of ${of}; kept login and settings` })
}

/** Refuses while Claude Code runs: it would rewrite a removed transcript. */
async function refuseWhileInUse({ engine }: Context, stack: string, homes: readonly Home[]) {
  const state = await inspectStack(engine, stack)
  const activity = state && (await activities(engine, [state])).get(stack)
  if (activity?.session && homes.some(({ of }) => of === 'sessions')) {
    throw new UserError(`a session is open in ${terminalLine(state?.workspace ?? stack, 200)}`, {
      hint: `end it with /exit or run ${command('stop')}, then run clear-session again`,
    })
  }
  if (activity && activity.runs > 0 && homes.some(({ of }) => of === 'runs')) {
    const runs = activity.runs === 1 ? 'a run is' : `${activity.runs} runs are`
    throw new UserError(`${runs} in progress in this folder`, {
      hint: `wait for it to end or run ${command('run cancel --all')}, then run clear-session again`,
    })
  }
  return state
}

/** Ends the warm process, which still holds the conversation. */
async function endWarmProcess({ engine, docker, signal }: Context, state: StackState) {
  const worker = serviceOf(state, serviceOfRuns)
  if (worker?.state !== 'running') return
  const commands = await engine.processes(worker.container)
  if (!commands.some(command => atWork.claude.test(command))) return
  const args = ['restart', '--time', '5', worker.container]
  await execOk(docker.file, args, { env: docker.env, signal })
}

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
  if (await isOpen(engine, state)) {
    throw new UserError('the open session of this folder cannot change its conversation', {
      hint: 'end it with /exit, or use /resume in it',
    })
  }
  const claude = serviceOf(state, serviceOfSessions)
  const args = ['exec', claude?.container ?? '', '/usr/bin/find', transcripts, '-maxdepth', '1']
  const { stdout } = await exec(
    docker.file,
    [...args, '-name', '*.jsonl', '-size', '+0', '-printf', '%T@ %f\n'],
    { env: docker.env, timeout: 60_000, limit: 4 * 1024 * 1024 },
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

/** Refuses to start a new conversation while a session is open: it would show that session instead. */
export async function refuseOpenSession(
  { engine }: Pick<Context, 'engine'>,
  state: StackState,
): Promise<void> {
  if (!(await isOpen(engine, state))) return
  throw new UserError('a session of this folder is open, and --no-continue starts a new one', {
    hint: 'end it with /exit, or use /clear in it',
  })
}

async function isOpen(engine: Engine, state: StackState) {
  const services = state.services.filter(({ name }) => name === serviceOfSessions)
  return (await whyBusy(engine, { ...state, services })) !== null
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
