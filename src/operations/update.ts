import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { step } from '../base/log.ts'
import { userEnvironment } from '../config/environment.ts'
import { stateRoot } from '../config/paths.ts'
import { buildImages } from '../images/images.ts'
import {
  changedPins,
  newestPins,
  type PinChange,
  type Pins,
  readPins,
  writePins,
} from '../images/pins.ts'
import { whyBusy } from '../stack/activity.ts'
import { inspectStacks } from '../stack/inspect.ts'
import { stateFolders } from '../stack/stack-list.ts'
import { withLock } from '../stack/state/lock.ts'
import type { Context } from './context.ts'

/**
 * Moves the pins to the newest Claude Code, Node, npm and Debian packages, and rebuilds. The new pins
 * are kept only when the build succeeds: a failed update leaves a working stack. Refused during a session.
 */
export async function updateImages(
  context: Context,
  { dryRun }: { dryRun: boolean },
): Promise<PinChange[]> {
  const { log, root, signal } = context
  if (!dryRun) await refuseDuringSession(context)
  const before = await readPins(root)
  const today = new Date().toISOString().slice(0, 10)
  const { UPDATE_MIN_AGE_DAYS: minimumAgeDays } = context.settings
  const after = await step(log, 'newest versions', () =>
    newestPins(before, { today, minimumAgeDays, signal }),
  )
  const changes = changedPins(before, after)
  if (changes.some(({ name }) => !name.startsWith('Debian '))) {
    const age = minimumAgeDays === 0 ? '' : `, and are public for ${minimumAgeDays} days or longer`
    const text = `versions and hashes are those of your npm registry${age}; no second source confirms them`
    log({ kind: 'info', text })
  }
  if (dryRun || changes.length === 0) return changes
  await build(context, after)
  await writePins(root, after)
  return changes
}

function build({ log, settings, docker, root, signal }: Context, pins: Pins) {
  const { IMAGE_TARGET: target } = settings
  const network = userEnvironment()
  return withLock('images', { log, signal }, () =>
    buildImages({ log, settings, pins, target, client: docker, network, root, signal }),
  )
}

/** Asks only about this user's stacks: those of others run from images of their own checkouts. */
async function refuseDuringSession({ engine }: Context) {
  const ours = await stateFolders(stateRoot())
  for (const stack of await inspectStacks(engine)) {
    if (!ours.has(stack.stack)) continue
    const busy = await whyBusy(engine, stack)
    if (busy === null) continue
    throw new UserError(`Claude Code is working in ${stack.workspace}: ${busy}`, {
      hint: `wait for its end or run ${command('stop')} there, then update`,
    })
  }
}
