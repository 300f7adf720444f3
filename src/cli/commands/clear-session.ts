import { UserError } from '../../base/errors.ts'
import { step } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { anyImage } from '../../operations/any-image.ts'
import { type Context, openContext } from '../../operations/context.ts'
import { currentStackName } from '../../operations/current-stack.ts'
import { execOk } from '../../process/exec.ts'
import { activities } from '../../stack/activity.ts'
import { forgetConversations, type Home, homesOf } from '../../stack/conversations.ts'
import { atWork, inspectStack, type StackState, serviceOf } from '../../stack/inspect.ts'
import { withLock } from '../../stack/state/lock.ts'
import { ask } from '../ask.ts'
import type { Invocation } from '../invocation.ts'

export type ClearSessionOptions = { interactive?: boolean; runs?: boolean; force?: boolean }

/** Forgets the conversations of the current folder; login and settings stay. */
export async function clearSession(options: ClearSessionOptions, invocation: Invocation) {
  const context = await openContext(invocation)
  const { log, signal } = context
  const stack = await currentStackName()
  const both = options.interactive === options.runs
  const wanted = (home: Home) =>
    both || (home.of === 'sessions' ? options.interactive : options.runs)
  const homes = (await homesOf(context.engine, stack)).filter(wanted)
  if (homes.length === 0) {
    log({ kind: 'info', text: 'no conversations are kept for this folder' })
    return
  }
  await refuseWhileAtWork(context, stack, homes)
  const of = [...new Set(homes.map(home => home.of))].sort().reverse().join(' and ')
  const question = `forget all conversations of ${of} in ${terminalLine(process.cwd(), 200)}?`
  if (!options.force && !(await ask(question, '-f'))) {
    log({ kind: 'info', text: 'nothing was forgotten' })
    return
  }
  await withLock(stack, { log, signal }, async () => {
    // Somebody may have begun one while the question stood.
    const state = await refuseWhileAtWork(context, stack, homes)
    const image = await anyImage(context.engine, 'claude')
    await step(log, 'forgetting conversations', async () => {
      if (state && homes.some(home => home.of === 'runs')) await endWarm(context, state)
      for (const home of homes) await forgetConversations(context, image, home)
    })
  })
  log({ kind: 'info', text: `the conversations of ${of} are forgotten; login and settings stay` })
}

/** A transcript that is removed below Claude Code would be written anew. */
async function refuseWhileAtWork({ engine }: Context, stack: string, homes: readonly Home[]) {
  const state = await inspectStack(engine, stack)
  const activity = state && (await activities(engine, [state])).get(stack)
  if (activity?.session && homes.some(({ of }) => of === 'sessions')) {
    throw new UserError(`a session is open in ${terminalLine(state?.workspace ?? stack, 200)}`, {
      hint: 'end it with /exit, or run ./claude.ts stop; then run clear-session again',
    })
  }
  if (activity && activity.runs > 0 && homes.some(({ of }) => of === 'runs')) {
    const runs = activity.runs === 1 ? 'a run is' : `${activity.runs} runs are`
    throw new UserError(`${runs} under way here`, {
      hint: 'wait for its end, or run ./claude.ts run cancel --all; then run clear-session again',
    })
  }
  return state
}

/** A Claude Code that is kept warm for the next prompt still knows the conversation. */
async function endWarm({ engine, docker, signal }: Context, state: StackState) {
  const worker = serviceOf(state, 'worker')
  if (worker?.state !== 'running') return
  const commands = await engine.processes(worker.container)
  if (!commands.some(command => atWork.claude.test(command))) return
  const args = ['restart', '--time', '5', worker.container]
  await execOk(docker.file, args, { env: docker.env, signal })
}
