import { settleConcurrently } from '../base/async.ts'
import { command } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { stateRoot } from '../config/paths.ts'
import type { Engine } from '../engine/engine.ts'
import { isWithin } from '../files/beneath.ts'
import { runsInProgress } from '../stack/activity.ts'
import { inspectStacks } from '../stack/inspect.ts'
import { composeLabels } from '../stack/labels.ts'
import { clearPlaceholders, readProtection, stacksWithPlaceholders } from '../stack/protection.ts'
import { forgetSecrets, stacksWithSecrets } from '../stack/secrets.ts'
import { stateFolders } from '../stack/stack-list.ts'
import { withLock } from '../stack/state/lock.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { existingStacks, stackExists, stopStack } from '../stack/stop.ts'
import type { Context } from './context.ts'
import { currentStackName, findCurrentStack, namedStack } from './find-stacks.ts'
import { hostFilesNotice } from './notices.ts'

/** Maximum concurrent stops: Compose mostly waits, but too many stops at once overload the engine. */
const stoppedAtOnce = 6

/** Maximum number of stacks in one message. */
const namesShown = 10

/** Maximum number of run ids in one message. */
const runsShown = 10

/** `force` ends active runs without confirmation. */
export type StopTarget = ({ all: true } | { name: string | undefined }) & { force?: boolean }

/**
 * Stops the stack of the current folder, the named one, or all of this user. Returns how many were stopped, and how
 * many stacks of other folders still run when none was; null when the person keeps the active runs.
 */
export async function stopStacks(
  context: Context,
  wanted: StopTarget,
): Promise<{ stopped: number; elsewhere: number } | null> {
  const stacks =
    'all' in wanted ? await everyStack(context) : [await oneStack(context, wanted.name)]
  const runs = await runsInProgress(context.engine, stacks)
  if (!wanted.force && !(await confirmStop(runs, context))) return null
  const results = await settleConcurrently(stacks, stoppedAtOnce, stack => stopOne(context, stack))
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ stack: stacks[index], reason: result.reason }] : [],
  )
  for (const { stack } of failures) runs.delete(stack ?? '')
  if (runs.size > 0) context.log({ kind: 'info', text: endedRuns(runs) })
  const [failure] = failures
  if (failure && stacks.length === 1) throw failure.reason
  const stopped = results.filter(result => result.status === 'fulfilled' && result.value).length
  if (failure) throw partialFailure(failures, `${stopped} of ${stacks.length}`, context.log)
  const looksElsewhere = stopped === 0 && !('all' in wanted)
  const elsewhere = looksElsewhere ? (await stacksByOwner(context.engine)).own.length : 0
  return { stopped, elsewhere }
}

type ActiveRuns = ReadonlyMap<string, readonly string[]>

/** Asks before runs are ended. Without a terminal `stop` must work all the same. */
export async function confirmStop(
  runs: ActiveRuns,
  { canAsk, confirm }: Pick<Context, 'canAsk' | 'confirm'>,
): Promise<boolean> {
  const count = [...runs.values()].flat().length
  if (count === 0 || !canAsk) return true
  const question =
    count === 1 ? '1 run is active; stop it?' : `${count} runs are active; stop them?`
  return confirm(question, '--force', { byDefault: false })
}

/** Names the runs that a stop ended. */
export function endedRuns(runs: ActiveRuns): string {
  const ids = [...runs.values()].flat()
  return `ended ${ids.length} active ${ids.length === 1 ? 'run' : 'runs'}: ${shownRuns(runs)}`
}

/** Lists the ids of active runs, the first ones of many. */
export function shownRuns(runs: ActiveRuns): string {
  const ids = [...runs.values()].flat()
  const more = ids.length > runsShown ? ` and ${ids.length - runsShown} more` : ''
  return `${ids.slice(0, runsShown).join(', ')}${more}`
}

/** Returns the stacks of this user; for root, those of other users too when a person agrees. */
async function everyStack(context: Context): Promise<string[]> {
  const { engine, log, canAsk, confirm } = context
  const { own, others } = await stacksByOwner(engine)
  const left = await Promise.all([stacksWithPlaceholders(), stacksWithSecrets()])
  const ours = [...new Set([...own, ...left.flat()])]
  if (others.length === 0) return ours
  const more = others.length > namesShown ? ` and ${others.length - namesShown} more` : ''
  const shown = `${others.slice(0, namesShown).join(', ')}${more}`
  if (process.getuid?.() === 0 && canAsk) {
    const question = `Also stop stacks without a record in your state folder, which other users may have started: ${shown}?`
    if (await confirm(question, undefined, { byDefault: false })) return [...ours, ...others]
  }
  const text = `skipped stacks without a record in your state folder: ${shown}; run ${command('stop NAME')} to stop one`
  log({ kind: 'info', text })
  return ours
}

/** Separates the stacks that have a state folder of this user, and the leftovers of this user's audits. */
async function stacksByOwner(engine: Engine) {
  const [names, folders] = await Promise.all([existingStacks(engine), stateFolders(stateRoot())])
  const own: string[] = []
  const others: string[] = []
  for (const name of names) {
    const ours = folders.has(name) || (await isAuditOf(engine, name, stateRoot()))
    ;(ours ? own : others).push(name)
  }
  return { own, others }
}

/** Returns whether this user's audit left the project behind: its files are in the state folder. */
async function isAuditOf(engine: Engine, name: string, root: string): Promise<boolean> {
  if (!/^claude-secure-audit-[0-9a-f]{8}$/.test(name)) return false
  const left = await engine.containers([`${composeLabels.project}=${name}`])
  return left.some(({ Labels }) => isWithin(root, Labels[composeLabels.folder] ?? ''))
}

async function oneStack({ engine }: Context, name: string | undefined) {
  if (name === undefined) {
    const found = await findCurrentStack({ engine })
    return found?.stack ?? currentStackName()
  }
  const [states, left] = await Promise.all([inspectStacks(engine), existingStacks(engine)])
  const candidates = left.map(async stack => ({
    stack,
    workspace:
      states.find(state => state.stack === stack)?.workspace ??
      (await readProtection(stateFolder(stack)))?.workspace ??
      null,
  }))
  const hint = `run ${command('list')} to see the running stacks`
  const kind = 'running stack'
  return (await namedStack(name, await Promise.all(candidates), { hint, kind })).stack
}

/** Logs each reason, and returns the summary. */
function partialFailure(
  failures: readonly { stack: string | undefined; reason: unknown }[],
  stopped: string,
  log: Log,
) {
  for (const { reason } of failures) log({ kind: 'warn', text: messageOf(reason) })
  const names = failures.map(({ stack }) => stack).join(', ')
  return new UserError(`stopped ${stopped} stacks; still running: ${names}`, {
    hint: `see the warnings above; run ${command('stop NAME')} to retry one`,
    cause: failures[0]?.reason,
  })
}

/** Checks under the lock: a start in progress has no containers yet. */
function stopOne({ engine, docker, log, signal }: Context, stack: string) {
  return withLock(stack, { log, signal }, async () => {
    if (!(await stackExists(engine, stack))) {
      // The containers were removed by other means or in a crash; secrets and placeholders may remain.
      await forgetSecrets(stateFolder(stack))
      await clearPlaceholders(stateFolder(stack), log)
      return false
    }
    await stopStack(docker, stack, { log, signal })
    for (const text of await hostFilesNotice({ stack }).catch(() => [])) log({ kind: 'info', text })
    return true
  })
}
